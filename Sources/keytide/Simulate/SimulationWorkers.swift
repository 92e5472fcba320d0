import ClusterSimulation
import Foundation

/// Runs seeds in processes of their own, as many as there are cores: a run that crashes ends one of them, is counted, and
/// the rest goes on.
struct SimulationWorkers: Sendable {
    let shape: SimulationShape
    let seeds: ClosedRange<UInt64>
    /// Seeds that one process runs.
    private static let chunk: UInt64 = 25

    /// - Parameter report: called for each seed, in the order in which they end, never twice at a time.
    func run(_ report: (SimulationLine) -> Void) async throws {
        let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
        var next: UInt64? = seeds.lowerBound
        try await withThrowingTaskGroup(of: (lines: [SimulationLine], rest: ClosedRange<UInt64>?).self) { group in
            func launch(_ part: ClosedRange<UInt64>) {
                group.addTask { try await SimulationWorkers.child(shape, part) }
            }
            func launchNext() {
                guard let first = next else { return }
                // The last parts are small, so that no core is left with much at the end.
                let left = seeds.upperBound - first
                let size = min(SimulationWorkers.chunk - 1, left / UInt64(2 * cores), left)
                launch(first...(first + size))
                next = first + size < seeds.upperBound ? first + size + 1 : nil
            }
            for _ in 0..<cores { launchNext() }
            while let done = try await group.next() {
                for line in done.lines { report(line) }
                if let rest = done.rest { launch(rest) } else { launchNext() }
            }
        }
    }

    /// - Returns: what its seeds came to, and those that it did not come to because it crashed.
    static func child(
        _ shape: SimulationShape,
        _ seeds: ClosedRange<UInt64>
    ) async throws -> (lines: [SimulationLine], rest: ClosedRange<UInt64>?) {
        let arguments = ["simulate", "--worker", "--seeds", "\(seeds.lowerBound)..\(seeds.upperBound)"]
        let output = try await run(arguments + shape.arguments)
        var lines = output.split(separator: 0x0a).compactMap {
            try? JSONDecoder().decode(SimulationLine.self, from: Data($0))
        }
        guard lines.count < seeds.count else { return (lines, nil) }
        let crashed = seeds.lowerBound + UInt64(lines.count)
        lines.append(SimulationLine(crashed: shape.options(seed: crashed)))
        return (lines, crashed < seeds.upperBound ? (crashed + 1)...seeds.upperBound : nil)
    }

    private static func run(_ arguments: [String]) async throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    do {
                        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
                        process.waitUntilExit()
                        continuation.resume(returning: Array(data))
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            }
        } onCancel: {
            process.terminate()
        }
    }
}

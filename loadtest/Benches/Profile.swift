import Foundation

/// What callgrind counted: instructions by address in one program, and its calls.
struct Profile {
    struct Call {
        /// Of the call instruction.
        let address: UInt64
        /// First address of what is called if that is in the program too.
        let callee: UInt64?
        /// Instructions from the call to the return.
        let cost: Double
    }

    /// All instructions, of libraries too.
    private(set) var total = 0.0
    /// A function of a program or library; its name is an address where a library has no name for it.
    struct Function: Hashable {
        let object: Substring
        let name: Substring
    }

    /// The same by function.
    private(set) var byFunction: [Function: Double] = [:]
    /// Instructions of the program itself by address.
    private(set) var own: [UInt64: Double] = [:]
    private(set) var calls: [Call] = []
    /// The function of the program, as the linker names it, that an address is in.
    private(set) var functions: [UInt64: Substring] = [:]

    /// Addresses with instructions or calls.
    var addresses: Set<UInt64> {
        Set(own.keys).union(calls.map(\.address)).union(calls.compactMap(\.callee))
    }

    /// Reads a file of `valgrind --tool=callgrind --dump-instr=yes --compress-pos=no --compress-strings=no`.
    /// - Parameter object: the program whose addresses count; others are libraries.
    init(path: String, object: String) throws {
        var isOurs = false
        var current: Substring = ""
        var callee: (isOurs: Bool, address: UInt64)?
        var calleeObject: Substring?
        var function: Substring = ""
        let object = Substring(object)
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("ob=") {
                current = line.dropFirst(3)
                isOurs = current == object
            } else if line.hasPrefix("fn=") {
                function = line.dropFirst(3)
            } else if line.hasPrefix("cob=") {
                calleeObject = line.dropFirst(4)
            } else if line.hasPrefix("calls=") {
                let target = line.split(separator: " ").dropFirst().first.flatMap { Profile.address($0) }
                callee = (calleeObject.map { $0 == object } ?? isOurs, target ?? 0)
                calleeObject = nil
            } else if line.hasPrefix("0x") {
                let fields = line.split(separator: " ")
                guard let address = Profile.address(fields[0]), let cost = fields.last.flatMap({ Double($0) }) else {
                    throw BenchError("callgrind wrote \"\(line)\", which is no address with a cost")
                }
                if isOurs { functions[address] = function }
                if let called = callee {
                    callee = nil
                    guard isOurs else { continue }
                    calls.append(Call(address: address, callee: called.isOurs ? called.address : nil, cost: cost))
                } else {
                    total += cost
                    byFunction[Function(object: current, name: function), default: 0] += cost
                    if isOurs { own[address, default: 0] += cost }
                }
            }
        }
        guard total > 0, !own.isEmpty else { throw BenchError("callgrind counted nothing of the program in \(path)") }
    }

    private static func address(_ text: Substring) -> UInt64? {
        UInt64(text.dropFirst(2), radix: 16)
    }

    /// Instructions of programs and libraries whose file names begin in one of these ways.
    /// - Parameter parts: if not empty, only of functions in whose name one of these stands.
    func sum(of names: [String], in parts: [String] = []) -> Double {
        byFunction.reduce(0) { sum, place in
            let file = place.key.object.split(separator: "/").last ?? ""
            let isMeant = parts.isEmpty || parts.contains { place.key.name.contains($0) }
            return isMeant && names.contains { file.hasPrefix($0) } ? sum + place.value : sum
        }
    }

    /// What this has more than another run of the same program.
    func less(_ other: Profile) -> Profile {
        struct Place: Hashable {
            let address: UInt64
            let callee: UInt64?
        }
        var costs: [Place: Double] = [:]
        for call in calls { costs[Place(address: call.address, callee: call.callee), default: 0] += call.cost }
        for call in other.calls { costs[Place(address: call.address, callee: call.callee), default: 0] -= call.cost }
        var difference = self
        difference.total -= other.total
        difference.byFunction.merge(other.byFunction.mapValues { -$0 }) { $0 + $1 }
        difference.own.merge(other.own.mapValues { -$0 }) { $0 + $1 }
        difference.calls = costs.map { Call(address: $0.key.address, callee: $0.key.callee, cost: $0.value) }
        difference.functions.merge(other.functions) { first, _ in first }
        return difference
    }
}

/// A function in a file, at the place of an instruction or around it.
struct SourceFrame: Hashable {
    /// With its type and the names of its parameters.
    let function: Substring
    let path: Substring

    var file: Substring { path.split(separator: "/").last ?? path }
    var name: String { "\(function) \(file)" }
    /// False where the compiler made up the instruction, such as one that counts references.
    var isKnown: Bool { path.hasSuffix(".swift") }
    /// Whether it is from this package.
    var isNode: Bool { path.contains("/Sources/HTTP2/") || path.contains("/Sources/RegionalNode/") }
}

/// A program made ready for callgrind: valgrind 3.19 does not read its debugging sections and needs a copy without.
struct CountedProgram {
    /// Of the copy.
    let path: String
    private let original: String
    /// A library to preload.
    private let shim: String

    /// - Parameters:
    ///   - program: a path, or a name that the shell finds.
    ///   - directory: where the copy goes.
    init(of program: String, in directory: String) throws {
        let found = try Command.run(["sh", "-c", "command -v '\(program)'"])
        original = found.trimmingCharacters(in: .whitespacesAndNewlines)
        path = directory + "/" + (original.split(separator: "/").last.map { String($0) } ?? "program")
        shim = directory + "/sigsuspend.so"
        try Command.run(["objcopy", "--strip-debug", original, path])
        try Command.run(["clang", "-O1", "-shared", "-fPIC", "-o", shim, try ThisProcess.benchFile("sigsuspend.c")])
    }

    /// The command that runs and counts it, into a file whose name ends in the number of the process.
    func command(_ arguments: [String], output: String) -> [String] {
        [
            "env", "SWIFT_DETERMINISTIC_HASHING=1", "LD_PRELOAD=\(shim)", "valgrind", "--tool=callgrind",
            "--dump-instr=yes", "--compress-pos=no",
            "--compress-strings=no", "--callgrind-out-file=\(output).%p", path,
        ] + arguments
    }

    /// The source of instructions: the innermost function first, then those it is inlined into.
    func sources(of addresses: Set<UInt64>) throws -> [UInt64: [SourceFrame]] {
        let list = addresses.sorted()
        let names = path + ".addresses"
        try Data(list.map { "0x" + String($0, radix: 16) + "\n" }.joined().utf8)
            .write(to: URL(fileURLWithPath: names))
        let symbolizer = "llvm-symbolizer --obj='\(original)' --functions=linkage < '\(names)'"
        let text = try Command.run(["sh", "-c", "\(symbolizer) | swift demangle --simplified"])
        var sources: [UInt64: [SourceFrame]] = [:]
        for (address, block) in zip(list, text.components(separatedBy: "\n\n")) {
            let lines = block.split(separator: "\n")
            sources[address] = stride(from: 0, to: lines.count - 1, by: 2).map { place in
                SourceFrame(
                    function: lines[place],
                    path: lines[place + 1].split(separator: ":").first ?? ""
                )
            }
        }
        return sources
    }
}

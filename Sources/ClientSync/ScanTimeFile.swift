/// Reads the times at which a phone scanned: a text file with the header line `time`, then a time a line, RFC 3339 or unix
/// seconds. Messages never repeat what a line holds.
public enum ScanTimeFile {
    /// - Returns: unix seconds in the order of the file, and the lines that are no times.
    /// - Throws: `EncounterFileError` if it is no such file, or there are more times than `ScanTimes.maximumHeld`.
    public static func parse(
        _ bytes: ArraySlice<UInt8>
    ) throws(EncounterFileError) -> (times: [Int64], refused: RefusedLines) {
        var lines = try TextTable(bytes)
        guard let header = lines.next(), header.fields?.map({ $0.lowercased() }) == ["time"] else {
            throw EncounterFileError(.malformed, line: 1, "this is no file of scans; begin it with the line time")
        }
        var times: [Int64] = []
        var refused = RefusedLines()
        for line in lines {
            guard let fields = line.fields, fields.count == 1, let time = TimeText.parse(fields[0]) else {
                let advice =
                    line.fields.flatMap { $0.count == 1 ? TimeText.advice(on: $0[0]) : nil }
                    ?? "write a time and nothing else"
                refused.add(EncounterFileError(.malformed, line: line.number, advice))
                continue
            }
            guard times.count < ScanTimes.maximumHeld else {
                throw EncounterFileError(
                    .tooLarge,
                    line: line.number,
                    "more than \(ScanTimes.maximumHeld) times; leave out days before the last 15"
                )
            }
            times.append(time)
        }
        return (times, refused)
    }
}

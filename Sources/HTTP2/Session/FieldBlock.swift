internal import CNghttp2

/// Header fields laid out as nghttp2 wants them: one run of bytes and an array of pointers into it. nghttp2 copies them
/// when they are submitted, so one block serves all messages of a session in turn.
struct FieldBlock {
    private var bytes: [UInt8] = []
    private var lengths: [(name: Int, value: Int)] = []
    private var pointers: [nghttp2_nv] = []

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    mutating func add(_ name: String, _ value: String) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: value.utf8)
        lengths.append((name.utf8.count, value.utf8.count))
    }

    /// Adds all fields that HTTP/2 knows.
    mutating func add(_ fields: HTTPFields) {
        for (name, value) in fields where !FieldRules.isConnectionSpecific(name) {
            add(name, value)
        }
    }

    /// Calls `body` with the array that nghttp2 takes; the pointers are valid during the call.
    mutating func withPointers<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        bytes.withUnsafeMutableBufferPointer { bytes in
            pointers.removeAll(keepingCapacity: true)
            guard var next = bytes.baseAddress else {
                return body(nil, 0)
            }
            for (name, value) in lengths {
                pointers.append(
                    nghttp2_nv(name: next, value: next + name, namelen: name, valuelen: value, flags: 0)
                )
                next += name + value
            }
            return pointers.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}

/// Heads as they arrive: what all the fields of one read are made of, in one run of bytes. Most requests are answered
/// from the bytes; text is made of them only for those that are not.
struct ReceivedHeads: ~Copyable {
    /// A place in the run of bytes.
    struct Piece {
        var start: Int32 = 0
        var count: Int32 = 0

        fileprivate var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    }

    /// One head: the pseudo fields, and which of the other fields are its own.
    struct Head {
        var method = Piece()
        var scheme = Piece()
        var authority = Piece()
        var path = Piece()
        var status = 0
        /// The tag that a client holds; counted, because a list of them is left to a closer look.
        var ifNoneMatch = Piece()
        var ifNoneMatchCount = 0
        var firstField = 0
        var fieldCount = 0
        /// As RFC 9113, 6.5.2 counts: names, values and 32 for each.
        var size = 0
    }

    private struct Field {
        var name: Piece
        var value: Piece
    }

    /// Bytes of all heads that one read may bring; far more than its own bytes are, since a compressed field may take
    /// one. Heads beyond count as too large.
    static let bytesLimit = 1 << 20

    private var bytes = GrowingBuffer<UInt8>()
    private var fields = GrowingBuffer<Field>()
    private var heads = GrowingBuffer<Head>()
    /// The head that is arriving; it may go on in the next read.
    private(set) var current = Head()
    private(set) var isArriving = false

    /// Whether it has memory.
    var isAllocated: Bool { bytes.isAllocated }

    mutating func begin() {
        current = Head()
        current.firstField = fields.count
        isArriving = true
    }

    /// Takes a field in, unless that makes the head larger than `limit`; its size is counted in any case.
    @inline(__always)
    mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, limit: Int) {
        current.size += name.count + value.count + 32
        guard current.size <= limit else { return }
        guard bytes.count + name.count + value.count <= Self.bytesLimit else {
            current.size = limit + 1
            return
        }
        guard name.first == UInt8(ascii: ":") else {
            let name = (text: name, piece: append(name))
            let value = append(value)
            fields.append(Field(name: name.piece, value: value))
            current.fieldCount += 1
            if name.text.count == 13, name.text.equals("if-none-match") {
                current.ifNoneMatch = value
                current.ifNoneMatchCount += 1
            }
            return
        }
        // nghttp2 has checked that pseudo fields are known, in front, and there once.
        switch name.count {
        case 5: current.path = append(value)
        case 7 where name[1] == UInt8(ascii: "m"): current.method = append(value)
        case 7 where name[2] == UInt8(ascii: "c"): current.scheme = append(value)
        case 7 where value.count == 3: current.status = value.reduce(0) { $0 * 10 + Int($1 &- UInt8(ascii: "0")) }
        case 10: current.authority = append(value)
        default: break
        }
    }

    private mutating func append(_ text: UnsafeBufferPointer<UInt8>) -> Piece {
        let start = bytes.count
        bytes.append(text)
        return Piece(start: Int32(start), count: Int32(text.count))
    }

    /// The head is complete.
    /// - Returns: its number.
    mutating func end() -> Int {
        isArriving = false
        heads.append(current)
        return heads.count - 1
    }

    /// The head that was arriving will not become complete.
    mutating func drop() {
        isArriving = false
    }

    /// Forgets all heads but the one that is arriving.
    mutating func removeFinished() {
        guard isArriving else {
            bytes.removeAll(keepingUpTo: 1 << 16)
            fields.removeAll(keepingUpTo: 1 << 12)
            heads.removeAll(keepingUpTo: 1 << 10)
            return
        }
        var kept = ReceivedHeads()
        kept.begin()
        kept.current.method = kept.append(bytes.slice(current.method.range))
        kept.current.scheme = kept.append(bytes.slice(current.scheme.range))
        kept.current.authority = kept.append(bytes.slice(current.authority.range))
        kept.current.path = kept.append(bytes.slice(current.path.range))
        for position in current.firstField..<current.firstField + current.fieldCount {
            let field = fields[position]
            kept.add(bytes.slice(field.name.range), bytes.slice(field.value.range), limit: .max)
        }
        kept.current.status = current.status
        kept.current.size = current.size
        self = kept
    }
}

// MARK: Reading

extension ReceivedHeads {
    private func text(_ piece: Piece) -> String {
        String(decoding: bytes.slice(piece.range), as: UTF8.self)
    }

    private func fields(of head: Head) -> HTTPFields {
        var result = HTTPFields()
        result.reserveCapacity(head.fieldCount + 1)
        for position in head.firstField..<head.firstField + head.fieldCount {
            let field = fields[position]
            result.append(lowercaseName: text(field.name), text(field.value))
        }
        return result
    }

    /// The request with this number; one without `:authority` may name the host in a field.
    func request(_ number: Int) -> RequestHead {
        let head = heads[number]
        var request = RequestHead(
            method: text(head.method),
            scheme: text(head.scheme),
            authority: text(head.authority),
            path: text(head.path),
            fields: fields(of: head)
        )
        if request.authority.isEmpty, let host = request.fields["host"] {
            request.authority = host
            request.fields["host"] = nil
        }
        return request
    }

    func response(_ number: Int) -> ResponseHead {
        ResponseHead(status: heads[number].status, fields: fields(of: heads[number]))
    }

    /// Asks a handler for an answer at hand, with the bytes where they lie.
    func prepared(_ number: Int, by handler: any RequestHandler) -> PreparedResponse? {
        let head = heads[number]
        guard head.method.count == 3, head.ifNoneMatchCount <= 1 else { return nil }
        guard bytes.slice(head.method.range).equals("GET") else { return nil }
        let path = bytes.slice(head.path.range)
        let tag = bytes.slice(head.ifNoneMatch.range)
        return handler.prepared(path: Span(_unsafeElements: path), ifNoneMatch: Span(_unsafeElements: tag))
    }
}

extension UnsafeBufferPointer<UInt8> {
    @inline(__always)
    fileprivate func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount
            && UnsafeRawBufferPointer(self).elementsEqual(
                UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            )
    }
}

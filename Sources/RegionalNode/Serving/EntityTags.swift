/// The comparison of RFC 9110, 13.1.2: a list of tags, weak or strong, or `*`. A list that is longer than any client's
/// counts as another tag, which is allowed: the answer is whole then.
package enum EntityTags {
    /// Tags of a request that are looked at.
    package static let itemsLimit = 16
    /// Bytes of a request's lists.
    package static let bytesLimit = 1024

    /// - Parameters:
    ///   - values: of the fields `if-none-match`.
    ///   - tag: with its quotation marks.
    package static func match(_ values: [String], _ tag: String) -> Bool {
        var (items, bytes) = (0, 0)
        for value in values {
            let list = value.utf8
            bytes += list.count
            guard bytes <= bytesLimit else { return false }
            for item in list.split(separator: UInt8(ascii: ","), maxSplits: itemsLimit) {
                items += 1
                guard items <= itemsLimit else { return false }
                let item = trimmed(item)
                if item.elementsEqual("*".utf8) { return true }
                let strong = item.starts(with: "W/".utf8) ? item.dropFirst(2) : item
                if strong.elementsEqual(tag.utf8) { return true }
            }
        }
        return false
    }

    private static func trimmed(_ item: Substring.UTF8View) -> Substring.UTF8View {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var item = item.drop(while: isSpace)
        while let last = item.last, isSpace(last) { item.removeLast() }
        return item
    }
}

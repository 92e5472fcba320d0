/// Header fields in the order in which they were sent. Names are lowercase, as HTTP/2 requires; a name may occur more
/// than once (RFC 9110, 5.3).
public struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    public typealias Element = (name: String, value: String)

    private var elements: [Element]

    public init() {
        elements = []
    }

    public init(dictionaryLiteral elements: (String, String)...) {
        self.elements = elements.map { (Self.lowercased($0.0), $0.1) }
    }

    /// The first value of the field `name` (any case). Setting replaces all of that name; nil removes them.
    public subscript(name: String) -> String? {
        get {
            let name = Self.lowercased(name)
            for element in elements where element.name == name {
                return element.value
            }
            return nil
        }
        set {
            let name = Self.lowercased(name)
            elements.removeAll { $0.name == name }
            if let newValue {
                elements.append((name, newValue))
            }
        }
    }

    /// All values of the field `name` (any case), in order.
    public func values(of name: String) -> [String] {
        let name = Self.lowercased(name)
        return elements.filter { $0.name == name }.map(\.value)
    }

    /// Adds a field at the end; fields of the same name stay.
    public mutating func append(_ name: String, _ value: String) {
        elements.append((Self.lowercased(name), value))
    }

    public mutating func reserveCapacity(_ count: Int) {
        elements.reserveCapacity(count)
    }

    /// Adds a field whose name is known to be lowercase: what the HTTP/2 engine has checked already.
    mutating func append(lowercaseName name: String, _ value: String) {
        elements.append((name, value))
    }

    func contains(lowercaseName name: String) -> Bool {
        elements.contains { $0.name.utf8.count == name.utf8.count && $0.name == name }
    }

    private static func lowercased(_ name: String) -> String {
        name.utf8.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) } ? name.lowercased() : name
    }
}

extension HTTPFields: RandomAccessCollection {
    public var startIndex: Int { elements.startIndex }
    public var endIndex: Int { elements.endIndex }
    public subscript(position: Int) -> Element { elements[position] }
}

extension HTTPFields: Equatable {
    public static func == (left: HTTPFields, right: HTTPFields) -> Bool {
        left.elements.elementsEqual(right.elements) { $0.name == $1.name && $0.value == $1.value }
    }
}

extension HTTPFields: CustomStringConvertible {
    public var description: String {
        elements.map { "\($0.name): \($0.value)" }.joined(separator: "; ")
    }
}

/// A map that iterates in the order of its keys, so that a replica does the same in every process. A sorted array:
/// the maps of a replica hold links, regions or feeds, hundreds of entries, and are read far more than grown.
package struct SortedMap<Key: Comparable & Sendable, Value: Sendable>: Sendable {
    package private(set) var keys: [Key] = []
    package private(set) var values: [Value] = []

    package init() {}

    /// - Parameter keys: strictly ascending, as many as values.
    package init(ascending keys: [Key], _ values: [Value]) {
        precondition(keys.count == values.count)
        self.keys = keys
        self.values = values
    }

    package var isEmpty: Bool { keys.isEmpty }
    package var count: Int { keys.count }

    package subscript(key: Key) -> Value? {
        get {
            let position = lowerBound(key)
            return position < keys.count && keys[position] == key ? values[position] : nil
        }
        set {
            let position = lowerBound(key)
            let found = position < keys.count && keys[position] == key
            switch (newValue, found) {
            case (let value?, true): values[position] = value
            case (let value?, false):
                keys.insert(key, at: position)
                values.insert(value, at: position)
            case (nil, true):
                keys.remove(at: position)
                values.remove(at: position)
            case (nil, false): break
            }
        }
    }

    /// Changes a value where it stands.
    /// - Returns: what `change` returns, nil if there is no such key.
    @discardableResult
    package mutating func update<Result>(_ key: Key, _ change: (inout Value) -> Result) -> Result? {
        let position = lowerBound(key)
        guard position < keys.count, keys[position] == key else { return nil }
        return change(&values[position])
    }

    /// Where a key stands; a value read there in part need not be copied whole.
    package func position(of key: Key) -> Int? {
        let position = lowerBound(key)
        return position < keys.count && keys[position] == key ? position : nil
    }

    /// Positions, in `keys` and `values`, of the keys in [lower, upper].
    package func positions(from lower: Key, through upper: Key) -> Range<Int> {
        let start = lowerBound(lower)
        var end = lowerBound(upper)
        if end < keys.count, keys[end] == upper { end += 1 }
        return start..<max(start, end)
    }

    private func lowerBound(_ key: Key) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// When this phone scanned, as far as that is known: from whatever it saw, of anybody, and from what the app handed over.
///
/// What a sighting cannot show, that the phone listened and heard nobody, a time of the phone's scans can: then the time
/// since the last scan counts and not the time since the last sighting.
package struct PhoneScans: Sendable, Equatable {
    /// Unix seconds, ascending, each once.
    private let times: [Int64]

    /// - Parameter times: unix seconds, in any order, repeated or not.
    package init(_ times: some Sequence<Int64> = []) {
        var ascending: [Int64] = []
        for time in times.sorted() where ascending.last != time { ascending.append(time) }
        self.times = ascending
    }

    /// The last one within a range; nil if there is none.
    func last(in range: Range<Int64>) -> Int64? {
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < range.upperBound { low = middle + 1 } else { high = middle }
        }
        return low > 0 && range.contains(times[low - 1]) ? times[low - 1] : nil
    }
}

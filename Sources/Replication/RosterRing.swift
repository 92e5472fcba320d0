public import ExposureKeys
public import FeedFormat

extension Roster {
    /// Whom a region's node links with at least (`Overlay`) where its operator names nobody, ascending: the regions before
    /// and after it on the ring of all that are not retired; besides, a retired region and its successor link with each
    /// other for as long as the retired one has keys. Both ends of a link follow from one roster alike.
    public func neighbours(of id: Region) -> [Region] {
        guard let entry = region(id) else { return [] }
        if let successor = entry.successor { return entry.keys.isEmpty ? [] : [successor] }
        let ring = regions.filter { $0.successor == nil }.map(\.id)
        var neighbours = regions.filter { $0.successor == id && !$0.keys.isEmpty }.map(\.id)
        if let position = ring.firstIndex(of: id), ring.count > 1 {
            let before = ring[(position + ring.count - 1) % ring.count]
            let after = ring[(position + 1) % ring.count]
            neighbours.append(before)
            if after != before { neighbours.append(after) }
        }
        return neighbours.sorted()
    }
}

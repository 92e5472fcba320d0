internal import ExposureKeys
internal import FeedFormat

/// Gets a node's index: the part of fresh feeds always, the settled part only if its hash is new.
struct IndexSync: Sendable {
    let options: SyncOptions
    let fetcher: SyncFetcher
    let storage: any DeviceStorage

    enum Answer {
        case notModified(IndexMark)
        case index(HeldIndex)
    }

    /// - Parameter anew: read the index though it may be one that was read before.
    func fetch(anew: Bool) async throws -> Answer {
        let mark = anew ? nil : try await storage.indexMark(of: fetcher.transport.node)
        let usable = mark.flatMap { $0.selection == options.selection ? $0 : nil }
        let response = try await fetcher.get(Route.index, ifNoneMatch: usable?.etag, limit: FormatLimits.indexBytes)
        if response.status == 304, let usable { return .notModified(usable) }
        return .index(HeldIndex(bytes: response.body, etag: response.etag))
    }

    /// Verifies the index and puts its parts together.
    /// - Throws: `FormatError` for the index; `SyncError` for its settled part.
    func read(_ held: HeldIndex, roster: Roster) async throws -> SyncSession.ReadIndex {
        let index = try FeedIndex(held.bytes[...], keys: { roster.keys(of: $0) })
        guard index.settledCount > 0 else {
            return SyncSession.ReadIndex(body: held, index: index, entries: try index.entries(with: IndexPart([])))
        }
        if let bytes = try await storage.settledPart(index.settledHash),
            let entries = try? index.entries(with: IndexPart(bytes: bytes[...]))
        {
            return SyncSession.ReadIndex(body: held, index: index, entries: entries)
        }
        let path = "\(Route.index)/settled/\(index.settledHash.hexadecimal)"
        let response = try await fetcher.get(path, limit: FormatLimits.indexBytes)
        let entries = try index.entries(with: IndexPart(bytes: response.body[...]))
        try await storage.hold(settledPart: response.body, hash: index.settledHash)
        return SyncSession.ReadIndex(body: held, index: index, entries: entries)
    }
}

/// An index as it came.
struct HeldIndex: Sendable {
    let bytes: [UInt8]
    let etag: String?
}

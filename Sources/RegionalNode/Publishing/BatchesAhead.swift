internal import ExposureKeys
internal import FeedFormat
internal import FeedStore

/// Where a node keeps which of its batches came from a clock that was ahead.
extension [BatchesAhead] {
    private static let setting = "batches ahead"

    /// - Throws: `StoreError`.
    static func kept(in storage: any FeedStorage, of region: Region) throws(StoreError) -> [BatchesAhead] {
        BatchesAhead.read(try storage.setting(setting) ?? [], of: region)
    }

    /// Durable when this returns.
    func keep(in storage: any FeedStorage) throws(StoreError) {
        try storage.setSetting(Self.setting, BatchesAhead.bytes(of: self))
    }
}

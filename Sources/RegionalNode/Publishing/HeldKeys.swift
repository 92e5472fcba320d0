internal import FeedStore
internal import Foundation

/// The keys that wait, opened with the node. A broken file is moved aside: what it held is lost, and the operator is told.
struct HeldKeys: Sendable {
    let store: HeldKeyStore
    /// A file that was broken and was moved aside.
    let aside: [FileAside]

    /// - Throws: `StoreError`.
    static func open(besideStore storePath: String) throws(StoreError) -> HeldKeys {
        let path = HeldKeyStore.path(besideStore: storePath)
        do {
            return HeldKeys(store: try HeldKeyStore(path: path), aside: [])
        } catch  where error.code == .corrupt {
            let aside = try HeldKeyStore.setAside(path)
            let alarm = """
                the file of keys that wait for the end of their use was broken and was moved to \(aside): keys that were not \
                published yet are lost; import the archives of the last two days once more, and delete that file
                """
            return HeldKeys(
                store: try HeldKeyStore(path: path),
                aside: [FileAside(kind: .heldKeysReplaced, path: aside, alarm: alarm)]
            )
        }
    }
}

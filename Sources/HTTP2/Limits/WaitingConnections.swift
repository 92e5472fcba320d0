import NIOCore

/// Connections that have not made a request yet, and which of them gives way when places are scarce: of the network that
/// has most of them the oldest; where several have as many, the oldest of all.
///
/// So whoever opens many connections and says nothing gets in the way of nobody but itself. Each operation takes constant
/// time but for the search in a network's own connections.
package struct WaitingConnections<ID: Hashable> {
    private struct Entry {
        let network: PeerNetwork
        let number: UInt64
    }

    private var entries: [ID: Entry] = [:]
    /// Oldest first. A network without any is not here.
    private var networks: [PeerNetwork: [ID]] = [:]
    /// Networks by how many they have.
    private var sizes: [Int: Set<PeerNetwork>] = [:]
    private var largest = 0
    /// All in the order in which they came, and some that have gone.
    private var order = CircularBuffer<(id: ID, number: UInt64)>()
    private var nextNumber: UInt64 = 0

    package init() {}

    package var count: Int { entries.count }

    /// Takes in one that has just come.
    package mutating func insert(_ id: ID, of network: PeerNetwork) {
        guard entries[id] == nil else { return }
        entries[id] = Entry(network: network, number: nextNumber)
        order.append((id, nextNumber))
        nextNumber += 1
        let size = networks[network]?.count ?? 0
        networks[network, default: []].append(id)
        move(network, from: size, to: size + 1)
        dropGone()
    }

    /// It has made a request, or is gone. Nothing if it was not here.
    package mutating func remove(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id), let held = networks[entry.network] else { return }
        let rest = held.filter { $0 != id }
        networks[entry.network] = rest.isEmpty ? nil : rest
        move(entry.network, from: held.count, to: rest.count)
    }

    /// Takes out the one that gives way; nil if there is none.
    package mutating func giveWay() -> ID? {
        dropGone()
        guard let oldest = order.first, let entry = entries[oldest.id] else { return nil }
        if networks[entry.network]?.count == largest {
            remove(oldest.id)
            return oldest.id
        }
        guard let id = sizes[largest]?.first.flatMap({ networks[$0]?.first }) else { return nil }
        remove(id)
        return id
    }

    private mutating func move(_ network: PeerNetwork, from old: Int, to new: Int) {
        if old > 0 {
            sizes[old]?.remove(network)
            if sizes[old]?.isEmpty == true { sizes[old] = nil }
        }
        if new > 0 { sizes[new, default: []].insert(network) }
        if new > largest {
            largest = new
        } else if old == largest, sizes[old] == nil {
            largest = new
        }
    }

    /// Forgets in `order` what has gone: at its beginning always, everywhere when most of it has.
    private mutating func dropGone() {
        while let first = order.first, entries[first.id]?.number != first.number { order.removeFirst() }
        guard order.count > 1024, order.count > 4 * entries.count else { return }
        let entries = entries
        order = CircularBuffer(order.filter { entries[$0.id]?.number == $0.number })
    }
}

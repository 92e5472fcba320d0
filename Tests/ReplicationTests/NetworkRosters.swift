import FeedFormat
import Replication

extension InMemoryNetwork {
    /// What a node's shell does with a roster that came: takes it if it follows the one at hand, and keeps it.
    func judged(_ event: ReplicaEvent, at index: Int) -> ReplicaEvent {
        guard case .rosterFetched(let request, let given) = event else { return event }
        let held = nodes[index].roster ?? roster
        guard let given, !nodes[index].isThief, held.succession(of: given) == .newer else {
            return .rosterFetched(request, nil)
        }
        nodes[index].roster = given
        return .rosterFetched(request, given)
    }

    /// An operator gives a node another roster.
    func install(_ roster: Roster, at index: Int) {
        nodes[index].roster = roster
        dispatch(.rosterChanged(roster), to: index)
    }
}

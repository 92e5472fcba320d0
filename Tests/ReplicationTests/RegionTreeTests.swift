import Replication
import TestSupport
import Testing

@Suite struct RegionTreeTests {
    private let settings = ReplicationSettings()
    private let links = (0...4).map { LinkID(UInt64($0)) }

    /// A tree with a parent that has proved itself.
    private func tree(parent: Int = 0) -> RegionTree {
        var tree = RegionTree()
        tree.adopt(links[parent])
        for _ in 0..<4 { push(&tree) }
        return tree
    }

    /// The parent pushes a batch that some adverted so many milliseconds before.
    @discardableResult
    private func push(_ tree: inout RegionTree, _ leads: [(Int, Int64)] = []) -> Bool {
        guard let parent = tree.parent else { return false }
        return tree.take(
            from: parent,
            isPushed: true,
            adverts: leads.map { (link: links[$0.0], lead: $0.1) },
            settings
        )
    }

    private func lose(_ tree: inout RegionTree, _ link: LinkID, children: [LinkID] = []) -> Bool {
        tree.lose(link, children: children, settings)
    }

    @Test func whoeverBringsTheFirstBatchIsTheParent() {
        var tree = RegionTree()
        #expect(tree.parent == nil)
        tree.adopt(links[3])
        #expect(tree.parent == links[3] && tree.former == nil)
    }

    @Test func oneEarlyAdvertChangesNothingTwoInARowDo() {
        var tree = tree()
        #expect(!push(&tree, [(1, 8)]))
        #expect(!push(&tree, [(1, 7)]))
        #expect(!push(&tree, [(1, 15)]))
        #expect(!push(&tree))
        #expect(!push(&tree, [(1, 8)]))
        #expect(push(&tree, [(1, 8)]))
        #expect(tree.parent == links[1] && tree.former == links[0])
    }

    @Test func oneAdvertFarAheadIsEnough() {
        var tree = tree()
        #expect(push(&tree, [(1, 16)]))
        #expect(tree.parent == links[1] && tree.former == links[0])
    }

    @Test func whoeverWasTakenInNeedGivesWayToTheFirstThatIsSooner() {
        var tree = RegionTree()
        tree.adopt(links[0])
        #expect(!push(&tree, [(1, 7)]))
        #expect(push(&tree, [(1, 8)]))
        #expect(tree.parent == links[1])
        // That one was chosen.
        #expect(!push(&tree, [(2, 8)]))
    }

    @Test func ofSeveralTheSoonestGoesOnTrial() {
        var tree = tree()
        push(&tree, [(1, 10), (2, 12), (3, 15)])
        push(&tree, [(1, 10), (2, 12)])
        #expect(tree.parent == links[2])
    }

    @Test func aTrialEndsWithItsFirstPush() {
        var tree = tree()
        for _ in 0..<2 { push(&tree, [(1, 10)]) }
        push(&tree)
        #expect(tree.parent == links[1] && tree.former == nil)
        // What another one brings later is no failed trial.
        tree.adopt(links[0])
        #expect(push(&tree, [(1, 8)]))
        #expect(tree.parent == links[1])
    }

    @Test func aFailedTrialIsRepeatedEverMoreSeldom() {
        var tree = tree()
        var pauses: [Int] = []
        var sinceFailure = 0
        for _ in 0..<200 {
            sinceFailure += 1
            guard push(&tree, [(1, 15)]) else { continue }
            pauses.append(sinceFailure)
            #expect(tree.parent == links[1])
            // The liar does not have what it adverted.
            tree.adopt(links[0])
            #expect(tree.parent == links[0] && tree.former == nil)
            sinceFailure = 0
        }
        #expect(pauses == [2, 2, 4, 8, 16, 32, 64])
    }

    /// A liar adverts early and pushes late: the honest parent comes back, and the liar's turns grow rare.
    @Test func whoDoesNotKeepItsPromiseIsHeldBack() {
        var tree = tree()
        var turns: [Int] = []
        var since = 0
        for _ in 0..<200 {
            since += 1
            if tree.parent == links[0] {
                if push(&tree, [(1, 15)]) {
                    turns.append(since)
                    since = 0
                }
            } else if push(&tree, [(0, 15)]) {
                since = 0
            }
        }
        #expect(turns == [2, 2, 4, 8, 16, 32, 64])
    }

    /// Several are asked, the soonest first; whoever pushes first is the parent, and the others are asked no more.
    @Test func theFirstToPushFollowsALostParent() {
        var tree = tree()
        push(&tree, [(1, 3), (2, 5)])
        tree.note(lag: 40, of: links[3])
        #expect(tree.sources == [links[0]])
        #expect(lose(&tree, links[0]))
        #expect(tree.parent == nil)
        #expect(tree.sources == [links[2], links[1], links[3]])
        #expect(!lose(&tree, links[1]))
        #expect(tree.sources == [links[2], links[3]])
        _ = tree.take(from: links[3], isPushed: true, adverts: [], settings)
        #expect(tree.parent == links[3] && tree.sources == [links[3]])
    }

    @Test func whoeverBringsALostParentsBatchByAFetchFollowsItToo() {
        var tree = tree()
        push(&tree, [(1, 3), (2, 5)])
        #expect(lose(&tree, links[0]))
        _ = tree.take(from: links[4], isPushed: false, adverts: [], settings)
        #expect(tree.sources == [links[2], links[1]])
        tree.adopt(links[4])
        #expect(tree.sources == [links[4]])
    }

    @Test func childrenAreNotAskedForWhatALostParentWouldHavePushed() {
        var tree = tree()
        push(&tree, [(1, 3), (2, 5), (3, 4), (4, 1)])
        #expect(lose(&tree, links[0], children: [links[2], links[4]]))
        #expect(tree.sources == [links[3], links[1]])
    }

    @Test func atMostSoManyAreAsked() {
        var settings = settings
        settings.heirs = 2
        var tree = tree()
        push(&tree, [(1, 1), (2, 2), (3, 3), (4, 4)])
        _ = tree.lose(links[0], settings)
        #expect(tree.sources == [links[4], links[3]])
    }

    /// A neighbour whose adverts come 40 ms after the parent's pushes tells at once that a push is late; one whose
    /// adverts come with them leaves a moment; one that is seldom the same leaves more.
    @Test func aFetchWaitsForAsLongAsAPushMayBeLate() {
        var tree = tree()
        #expect(tree.patience(after: links[1], settings) == settings.pushGrace)
        for lag: Int64 in [40, 40, 40] { tree.note(lag: lag, of: links[1]) }
        #expect(tree.patience(after: links[1], settings) == 0)
        for lag: Int64 in [0, 0, 0] { tree.note(lag: lag, of: links[2]) }
        #expect(tree.patience(after: links[2], settings) == settings.pushSlack - settings.advertPause)
        for lag: Int64 in [0, 12, 0, 12, 0, 12, 0] { tree.note(lag: lag, of: links[3]) }
        #expect((15...40).contains(tree.patience(after: links[3], settings)))
        for lag: Int64 in [-900, -900, -900] { tree.note(lag: lag, of: links[4]) }
        #expect(tree.patience(after: links[4], settings) == settings.pushGrace)
    }

    @Test func whileSeveralAreAskedNobodyElseIsWaitedFor() {
        var tree = tree()
        push(&tree, [(1, 3)])
        #expect(lose(&tree, links[0]))
        #expect(tree.patience(after: links[1], settings) == settings.pushGrace)
        #expect(tree.patience(after: links[2], settings) == 0)
    }

    /// Adverts are measured against the parent's pushes, so another parent changes what is usual for all.
    @Test func anotherParentChangesWhatIsUsual() {
        var tree = tree()
        push(&tree, [(1, 15), (2, 0)])
        #expect(tree.patience(after: links[2], settings) == settings.pushSlack - settings.advertPause)
        push(&tree, [(1, 15), (2, 0)])
        #expect(tree.parent == links[1])
        #expect(tree.patience(after: links[2], settings) == 0)
    }

    @Test func theFormerParentFollowsALostTrial() {
        var tree = tree()
        for _ in 0..<2 { push(&tree, [(1, 10), (2, 9)]) }
        #expect(lose(&tree, links[1]))
        #expect(tree.parent == links[0])
    }

    /// Whatever happens, nobody is parent who is gone, or parent and its predecessor at once.
    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func aTreeHoldsTogether(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var tree = RegionTree()
        var here = links
        for _ in 0..<300 {
            let link = links.randomElement(using: &random) ?? links[0]
            let before = tree.parent
            var changed: Bool?
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                if !here.contains(link) { here.append(link) }
                tree.adopt(link)
            case 1:
                here.removeAll { $0 == link }
                changed = tree.lose(link, settings)
            case 2:
                if here.contains(link) { tree.note(lag: Int64.random(in: -50...50, using: &random), of: link) }
            default:
                guard let parent = tree.parent else { continue }
                let adverts = here.sorted().map { (link: $0, lead: Int64.random(in: 0...30, using: &random)) }
                changed = tree.take(from: parent, isPushed: true, adverts: adverts, settings)
            }
            if let changed { #expect(changed == (before != tree.parent)) }
            #expect(tree.sources.allSatisfy { here.contains($0) })
            if tree.parent != nil { #expect(tree.sources == [tree.parent]) }
            if let parent = tree.parent { #expect(here.contains(parent)) }
            if let former = tree.former { #expect(here.contains(former) && former != tree.parent) }
        }
    }
}

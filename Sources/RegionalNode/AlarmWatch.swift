internal import ExposureKeys
internal import FeedFormat
internal import Foundation
internal import Replication

/// A broken file that was moved aside, and what the operator is to know of it as long as it lies there.
struct FileAside: Sendable {
    let kind: AlarmKind
    let path: String
    let alarm: String
}

/// Says again and again of what holds longer that it does, so that no alarm outlives what it says; and ends those that
/// nobody repeats.
struct AlarmWatch: Sendable {
    let node: NodeContext
    let driver: ReplicationDriver
    /// Broken files that were moved aside in this run.
    let aside: [FileAside]
    let signingKeyPath: String

    private static let pause = Duration.seconds(10)

    func run() async {
        while !Task.isCancelled {
            look()
            holdBlocked(await driver.blockedFeeds)
            node.health.endForgotten(at: node.clock.now)
            try? await Task.sleep(for: AlarmWatch.pause)
        }
    }

    func look() {
        let alarms = node.alarms
        for file in aside {
            let isThere = FileManager.default.fileExists(atPath: file.path)
            alarms.set(file.kind, isThere ? file.alarm : nil, about: file.path)
        }
        alarms.set(.signingKeyExposed, NodeFiles.exposure(ofKey: signingKeyPath))
        holdDamage()
        holdForks()
        node.holdManyEpochs()
        // The replica raises and ends it.
        node.health.stillHolds(.clockDiffers, at: node.clock.now)
    }

    private func holdDamage() {
        let damaged = node.served.all.filter { !$0.damaged.isEmpty }.map(\.feed)
        for feed in damaged { node.alarms.hold(.batchesDamaged, StoreCare.damageAlarm(feed), about: "\(feed)") }
        node.health.endOthers(.batchesDamaged, than: damaged.map(\.description), at: node.clock.now)
    }

    private func holdForks() {
        var regions: [String] = []
        for fork in node.forks.all {
            let alarm = node.alarm(of: fork.proof)
            guard let subject = alarm.subject else { continue }
            node.alarms.hold(subject.kind, alarm.text, about: subject.about)
            regions.append(subject.about)
        }
        for kind in [AlarmKind.forked, .ownForked] { node.health.endOthers(kind, than: regions, at: node.clock.now) }
    }

    private func holdBlocked(_ feeds: [FeedID]) {
        let regions = Set(feeds.map(\.region.code))
        for region in regions.sorted() { node.health.stillHolds(.malformedFeed, about: region, at: node.clock.now) }
    }
}

import FeedFormat
import Replication

/// What a lying node makes of an honest replica's words.
extension InMemoryNetwork {
    func told(_ lie: NetworkNode.Lie, _ frame: LinkFrame) -> [LinkFrame] {
        switch frame {
        case .adverts(let adverts) where lie == .boastfulAdverts:
            return [.adverts(adverts.compactMap { Advert(feed: $0.feed, first: $0.first, count: $0.count + 1000) })]
        case .adverts(let adverts) where lie == .falseFrontier:
            // As if the older half had been dropped everywhere.
            return [.adverts(adverts.compactMap { Advert(feed: $0.feed, first: $0.count / 2, count: $0.count) })]
        case .digest(var digest) where lie == .boastfulAdverts || lie == .falseFrontier:
            digest.hash = Hash256(hashing: digest.hash.bytes[...])
            return [.digest(digest)]
        case .holdings(let part, let wantsAnswer) where lie == .boastfulAdverts || lie == .falseFrontier:
            let root = Hash256(hashing: [1])
            let entries = part.entries.compactMap { entry in
                lie == .boastfulAdverts
                    ? IndexEntry(feed: entry.feed, first: entry.first, count: entry.count + 1000, root: root)
                    : IndexEntry(feed: entry.feed, first: entry.count / 2, count: entry.count, root: root)
            }
            return [.holdings(IndexPart(entries), wantsAnswer: wantsAnswer)]
        case .batch(let pushed) where lie == .alteredBytes || lie == .wrongCheckpoint:
            let one = told(lie, [ReceivedBatch(bytes: pushed.bytes, checkpoint: pushed.checkpoint)], by: 0)
            return one.compactMap { $0 }.map {
                .batch(LinkFrame.PushedBatch(feed: pushed.feed, bytes: $0.bytes, checkpoint: $0.checkpoint))
            }
        default:
            return [frame]
        }
    }

    /// What is left of a frame in the release of the node that sends or gets it.
    func released(_ frame: LinkFrame, by node: Int) -> LinkFrame? {
        if nodes[node].isNewer, case .hello(var hello) = frame {
            hello.features |= 1 << 63 | 1 << 40
            return .hello(hello)
        }
        guard nodes[node].isOlder else { return frame }
        switch frame {
        case .hello(var hello):
            hello.features &= LinkFrame.Hello.batchesAreAdverts
            return .hello(hello)
        case .digest, .holdings, .relayedIndex: return nil
        default: return frame
        }
    }

    func told(_ lie: NetworkNode.Lie, _ answer: [ReceivedBatch?], by node: Int) -> [ReceivedBatch?] {
        guard let place = answer.firstIndex(where: { $0 != nil }), let first = answer[place] else { return answer }
        var changed = answer
        switch lie {
        case .alteredBytes:
            var bytes = first.bytes
            bytes[bytes.count - 1] ^= 1
            changed[place] = ReceivedBatch(bytes: bytes, checkpoint: first.checkpoint)
        case .wrongCheckpoint:
            // One byte of the signature.
            var checkpoint = first.checkpoint
            let byte = checkpoint.count - 20
            checkpoint[byte] = checkpoint[byte] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            changed[place] = ReceivedBatch(bytes: first.bytes, checkpoint: checkpoint)
        case .skippedNumber:
            changed.remove(at: place)
        case .repeatedNumber:
            changed.insert(first, at: place + 1)
        case .otherRegion:
            let other = truth.values.first {
                $0.batches[0]?.bytes != first.bytes && $0.feed.region != nodes[node].region
            }
            if let batch = other?.batches[0] {
                changed[place] = ReceivedBatch(bytes: batch.bytes, checkpoint: batch.checkpoint)
            }
        case .emptyAnswers:
            changed = []
        case .falseFrontier, .boastfulAdverts, .noAnswers:
            break
        }
        return changed
    }

    func told(_ lie: NetworkNode.Lie, _ frontier: Frontier?) -> Frontier? {
        guard lie == .falseFrontier, let frontier else { return frontier }
        let hash = Hash256(hashing: [1, 2, 3])
        return Frontier(size: frontier.size, hashes: frontier.hashes.map { _ in hash })
    }
}

import HTTP2
import NIOCore
import Testing

@Suite("Connections of an address")
struct AddressQuotaTests {
    private func network(_ address: String) throws -> PeerNetwork {
        try #require(PeerNetwork(SocketAddress(ipAddress: address, port: 1000)))
    }

    @Test("An IPv4 address counts alone, also where IPv6 carries it; an IPv6 address counts with its /64")
    func networks() throws {
        #expect(try network("192.0.2.1") == network("192.0.2.1"))
        #expect(try network("192.0.2.1") != network("192.0.2.2"))
        #expect(try network("::ffff:192.0.2.1") == network("192.0.2.1"))
        #expect(try network("::ffff:192.0.2.1") != network("::ffff:192.0.2.2"))
        #expect(try network("2001:db8:0:1::1") == network("2001:db8:0:1:ffff::2"))
        #expect(try network("2001:db8:0:1::1") != network("2001:db8:0:2::1"))
        // The first 64 bits of this one are a number that an IPv4 address could have.
        #expect(try network("0:0:c000:201::1") != network("192.0.2.1"))
        let local = try SocketAddress(unixDomainSocketPath: "/tmp/x")
        #expect(PeerNetwork(local) == nil)
    }

    @Test("One too many is refused, another address is not, and what is released can be taken again")
    func quota() throws {
        var quota = AddressQuota(limit: 2)
        let (first, second) = (try network("192.0.2.1"), try network("192.0.2.2"))
        let admitted = [first, first, first, second].map { quota.admit($0) }
        #expect(admitted == [true, true, false, true])
        quota.release(first)
        let again = [first, first].map { quota.admit($0) }
        #expect(again == [true, false])
    }

    @Test("Networks without connections take no memory")
    func forgets() throws {
        var quota = AddressQuota(limit: 2)
        for number in 0..<1000 {
            let peer = try network("10.0.\(number / 250).\(number % 250)")
            let isAdmitted = quota.admit(peer)
            #expect(isAdmitted)
            quota.release(peer)
            quota.release(peer)
        }
        #expect(quota.networks == 0)
    }
}

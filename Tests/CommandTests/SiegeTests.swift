import Foundation
import RegionalNode
import Testing
import TestSupport

/// Strangers who take what a node has, and an honest one who comes meanwhile.
@Suite(.serialized, .timeLimit(.minutes(4))) struct SiegeTests {
    /// Silent connections from 70 addresses, opened again when they are closed, and an honest client, each of whose requests has a
    /// connection of its own. Prints how many of its requests were answered.
    private static let silent = """
        import select, socket, ssl, sys, threading, time
        port, count, requests = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
        poll = select.epoll(); held = {}; is_over = False
        def open_one(i):
            s = socket.socket(); s.setblocking(False); s.setsockopt(socket.IPPROTO_IP, 24, 1)
            s.bind((f'127.0.0.{10 + i % 70}', 0))
            try: s.connect(('127.0.0.1', port))
            except BlockingIOError: pass
            held[s.fileno()] = (s, i)
            poll.register(s.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        def attack():
            todo = list(range(count))
            while not is_over:
                for i in todo[:500]: open_one(i)
                todo = todo[500:]
                for number, _ in poll.poll(0.01, 1000):
                    s, i = held.pop(number); poll.unregister(number); s.close(); todo.append(i)
        thread = threading.Thread(target=attack); thread.start()
        time.sleep(3)
        c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
        answered = 0
        for _ in range(requests):
            try:
                s = c.wrap_socket(socket.create_connection(('127.0.0.1', port), timeout=5))
                s.send(b'GET /healthz HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n')
                answered += s.recv(100).startswith(b'HTTP/1.1 200'); s.close()
            except OSError: pass
            time.sleep(0.02)
        print('answered', answered, flush=True)
        is_over = True; thread.join()
        """

    /// Connections from one address, each of which asks for a path and reads nothing; they stay for a while and go.
    private static let greedy = """
        import socket, ssl, sys, time
        port, path, count, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
        c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
        held = []
        for _ in range(count):
            s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); s.settimeout(5)
            try:
                s.connect(('127.0.0.1', port)); s = c.wrap_socket(s)
                s.send(f'GET {path} HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n'.encode())
            except OSError: pass
            held.append(s)
        print('asked', flush=True)
        time.sleep(seconds)
        """

    /// A proxy as nginx is one by default: TLS without ALPN on both sides, and HTTP/1.1 in between.
    private static let proxy = """
        import socket, ssl, sys, threading
        node = int(sys.argv[2])
        inside = ssl.create_default_context(); inside.check_hostname = False; inside.verify_mode = ssl.CERT_NONE
        outside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); outside.load_cert_chain(sys.argv[3], sys.argv[4])
        listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
        def pass_on(a, b):
            try:
                while data := a.recv(65536): b.sendall(data)
            except OSError: pass
            for s in (a, b):
                try: s.shutdown(socket.SHUT_RDWR)
                except OSError: pass
        def serve(client):
            try:
                client = outside.wrap_socket(client, server_side=True)
                server = inside.wrap_socket(socket.create_connection(('127.0.0.1', node)))
            except OSError: return
            threading.Thread(target=pass_on, args=(client, server), daemon=True).start()
            pass_on(server, client)
        print('ready', flush=True)
        while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """

    private func python(_ script: String, _ arguments: [String], _ cluster: Cluster) throws -> Child {
        let path = try cluster.scratch.write(script.utf8, "script-\(UUID().uuidString.prefix(8)).py")
        return try Child(["/usr/bin/env", "python3", path] + arguments, in: cluster.scratch)
    }

    @Test func silentConnectionsDoNotKeepAnHonestClientOut() async throws {
        try await Cluster.with("VN-01") { cluster in
            // Room for about 1,100 phones, and twice as many who say nothing.
            let limited = ["/bin/sh", "-c", "ulimit -n 1500; exec \"$@\"", "sh"]
            try await cluster.start("VN-01", under: limited)
            let siege = try python(Self.silent, ["\(cluster.basePort)", "2500", "100"], cluster)
            defer { siege.kill() }
            #expect(try await eventually(seconds: 120) { siege.output.contains("answered") }, "\(siege.errors)")
            let answered = siege.output.split(separator: " ").last.flatMap { Int($0.trimmingCharacters(in: .newlines)) }
            #expect(try #require(answered) >= 94)
            let alarms = try await cluster.status("VN-01").alarms
            #expect(alarms.contains { $0.what.contains("all places for connections to listen.public") })
            _ = try await siege.end(within: 20)
            siege.kill()
            let isOver = try await eventually(seconds: 60) {
                try await cluster.status("VN-01").alarms.allSatisfy { $0.ended != nil }
            }
            #expect(isOver)
            let lines = try cluster.node("VN-01").errors.split(separator: "\n").filter {
                $0.contains("all places") && !$0.contains("an alarm is over")
            }
            #expect(lines.count == 1)
        }
    }

    @Test func rangesThatNobodyReadsTakeTheBudgetAndNoMore() async throws {
        try await Cluster.with("VN-01") { cluster in
            // With a budget that small an import of this size does not fit.
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 26_000)
            let report = try #require(await cluster.import("VN-01", archive.path).reports.first?.report)
            #expect(report.bytes > 2 << 20, "a batch that is streamed")
            #expect(try await cluster.stop("VN-01") == 0)
            // Beyond the group's limit it would be killed.
            let group = MadeGroup("memory", "memory.limit_in_bytes", "160M")
            try await cluster.start("VN-01", under: group?.wrapper ?? [], "--memory", "64")
            let path = "/v1/feeds/\(try #require(report.feed))/0/0"
            try await Task.sleep(for: .seconds(1))
            let start = try cluster.residentMiB("VN-01")
            let siege = try python(Self.greedy, ["\(cluster.basePort)", path, "200", "5"], cluster)
            defer { siege.kill() }
            var most = 0
            while siege.isRunning {
                most = max(most, try cluster.residentMiB("VN-01"))
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(siege.output.contains("asked"), "\(siege.errors)")
            print("ranges that nobody reads: \(start) MiB at the start, \(most) at most")
            #expect(most <= start + 64 + 100, "\(start) MiB at the start, \(most) MiB at most")
            let alarms = try await cluster.status("VN-01").alarms
            #expect(
                alarms.contains { $0.what.contains("(setting 'memory') was used up at listen.public") },
                "\(alarms)"
            )
            // Somebody who reads is served, also right after.
            let url = "https://127.0.0.1:\(cluster.basePort)\(path)"
            let curl = try Child(
                ["/usr/bin/curl", "-m", "20", "-sk", "-o", "/dev/null", "-w", "%{size_download}", url],
                in: cluster.scratch
            )
            defer { curl.kill() }
            #expect(try await curl.end(within: 30) == 0)
            #expect(try #require(Int(curl.output)) >= report.bytes / max(1, report.batches))
            var end = Int.max
            let isBack = try await eventually(seconds: 60) {
                end = try cluster.residentMiB("VN-01")
                return end <= start + 50
            }
            #expect(isBack, "\(start) MiB at the start, \(end) MiB a minute after")
            let isOver = try await eventually(seconds: 40) {
                try await cluster.status("VN-01").alarms.allSatisfy { $0.ended != nil }
            }
            #expect(isOver, "the alarm does not end")
            #expect(try await cluster.stop("VN-01") == 0)
            try await group?.remove()
        }
    }

    @Test func aPhoneComesThroughAProxyThatKnowsNoALPN() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 200)
            _ = try await cluster.import("VN-01", archive.path)
            let port = try Ports.next()
            let files = [cluster.path("tls.pem"), cluster.path("tls.key")]
            let proxy = try python(Self.proxy, ["\(port)", "\(cluster.basePort)"] + files, cluster)
            defer { proxy.kill() }
            #expect(try await eventually { proxy.output.contains("ready") }, "\(proxy.errors)")
            let phone = try Phone("phone", meeting: Array(archive.keys.prefix(1)), of: cluster)
            let result = try await phone.sync(port: port)
            #expect(result.upToDate && result.problems.isEmpty, "\(result)")
            #expect(result.feeds.map(\.state).count == 1)
        }
    }
}

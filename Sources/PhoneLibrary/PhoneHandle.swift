internal import CKeytide
internal import ClientSync
internal import Synchronization

/// What a `keytide_phone *` points to. One call at a time works with it: `exclusively` sees to that, so what a call reads
/// is what it writes over.
final class PhoneHandle: Sendable {
    private struct State {
        var isBusy = false
        var message = ""
        var contents: PhoneContents
        /// Ends the sync under way; nil if none is.
        var cancel: (@Sendable () -> Void)?
    }

    let options: SyncOptions
    private let state: Mutex<State>

    init(options: SyncOptions, contents: PhoneContents) {
        self.options = options
        state = Mutex(State(contents: contents))
    }

    var contents: PhoneContents {
        get { state.withLock { $0.contents } }
        set { state.withLock { $0.contents = newValue } }
    }

    var message: String {
        get { state.withLock { $0.message } }
        set { state.withLock { $0.message = newValue } }
    }

    /// Runs a call, unless another one is under way, and turns what it throws into a code and a message.
    func exclusively(_ call: () throws -> Void) -> keytide_code {
        let isFree = state.withLock { state in
            defer { state.isBusy = true }
            if !state.isBusy { state.message = "" }
            return !state.isBusy
        }
        guard isFree else { return KEYTIDE_BUSY }
        defer { state.withLock { $0.isBusy = false } }
        do {
            try call()
            return KEYTIDE_OK
        } catch {
            let failure = PhoneFailure(error)
            message = failure.message
            return failure.code
        }
    }

    func setCancel(_ cancel: (@Sendable () -> Void)?) { state.withLock { $0.cancel = cancel } }

    func cancel() { state.withLock { $0.cancel }?() }
}

/// What a phone holds and a state brings back.
struct PhoneContents: Sendable {
    var storage: MemoryDeviceStorage
    var schedule = SyncSchedule()

    /// A phone that holds nothing.
    init() {
        storage = MemoryDeviceStorage(witnessSeed: .random(in: .min ... .max))
    }

    init(storage: MemoryDeviceStorage, schedule: SyncSchedule) {
        self.storage = storage
        self.schedule = schedule
    }
}

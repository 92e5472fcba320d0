/// Text on its way into a buffer of the app.
enum CText {
    /// Writes as much as fits, up to a character's end, and a zero byte; nothing if there is no room for that.
    static func write(_ text: String, to buffer: UnsafeMutablePointer<CChar>?, _ size: Int) {
        guard let buffer = unsafe buffer, size > 0 else { return }
        var count = 0
        for scalar in text.unicodeScalars {
            let bytes = UTF8.encode(scalar).map(Array.init) ?? []
            // An app that reads up to the zero must not take a part for the whole.
            guard count + bytes.count < size, scalar != "\0" else { break }
            for byte in bytes {
                unsafe buffer[count] = CChar(bitPattern: byte)
                count += 1
            }
        }
        unsafe buffer[count] = 0
    }
}

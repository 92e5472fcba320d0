/// Numbers as people read them.
enum GroupedNumber {
    /// - Parameter separator: stands between thousands.
    static func text(_ number: Int, separator: Character) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position).isMultiple(of: 3) { text.append(separator) }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }
}

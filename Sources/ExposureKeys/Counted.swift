extension BinaryInteger {
    /// The number with its noun, which stands in the plural unless the number is 1: `1 key`, `0 keys`, `7 batches`.
    /// - Parameter plural: where it is not the noun with an s.
    package func counted(_ noun: String, _ plural: String? = nil) -> String {
        "\(self) \(self == 1 ? noun : plural ?? noun + "s")"
    }
}

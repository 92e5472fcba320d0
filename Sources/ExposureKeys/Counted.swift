extension BinaryInteger {
    /// The number with its noun, which stands in the plural unless the number is 1: `1 key`, `0 keys`, `7 batches`,
    /// `2 authorities`.
    /// - Parameter noun: in the singular, with a plural that ends with an s.
    package func counted(_ noun: String) -> String { "\(self) \(self == 1 ? noun : Plural.of(noun))" }
}

/// English plurals, of nouns that build them by rule.
package enum Plural {
    package static func of(_ noun: String) -> String {
        if ["s", "x", "ch", "sh"].contains(where: noun.hasSuffix) { return noun + "es" }
        let isAfterVowel = ["ay", "ey", "oy", "uy"].contains(where: noun.hasSuffix)
        if noun.hasSuffix("y"), !isAfterVowel { return noun.dropLast() + "ies" }
        return noun + "s"
    }
}

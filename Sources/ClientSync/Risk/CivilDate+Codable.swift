/// A day in JSON is a string, `2021-08-01`.
extension CivilDate: Codable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        guard let start = TimeText.parse(try value.decode(String.self) + "T00:00:00Z") else {
            throw DecodingError.dataCorruptedError(in: value, debugDescription: "not a day as 2021-08-01")
        }
        self.init(unixSeconds: start, utcOffset: 0)
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(description)
    }
}

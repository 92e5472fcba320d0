import HTTP2
import Testing

@Suite("Header fields")
struct HTTPFieldsTests {
    @Test("Names become lowercase, the order and repetitions stay")
    func order() {
        var fields: HTTPFields = ["Accept": "a", "X-One": "1"]
        fields.append("ACCEPT", "b")
        #expect(fields.map(\.name) == ["accept", "x-one", "accept"])
        #expect(fields["aCCept"] == "a")
        #expect(fields.values(of: "Accept") == ["a", "b"])
        #expect(fields["missing"] == nil)
    }

    @Test("Setting replaces all fields of the name; nil removes them")
    func setting() {
        var fields: HTTPFields = ["a": "1", "b": "2", "A": "3"]
        fields["a"] = "4"
        #expect(fields == ["b": "2", "a": "4"])
        fields["a"] = nil
        #expect(fields == ["b": "2"])
    }

    @Test("Equality looks at order, names and values")
    func equality() {
        let fields: HTTPFields = ["a": "1", "b": "2"]
        #expect(fields == ["A": "1", "B": "2"])
        #expect(fields != ["b": "2", "a": "1"])
        #expect(fields != ["a": "1"])
        #expect(fields != ["a": "1", "b": "3"])
    }
}

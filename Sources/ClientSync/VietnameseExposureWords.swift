internal import ExposureKeys

struct VietnameseExposureWords: ExposureWords {
    let nothingToCompare =
        "Chưa thể kết luận: máy này chưa có khóa nào đã công bố. Hãy tải khóa về trước rồi so lại."

    func summary(contacts: Int, brief: Int) -> String {
        switch (contacts, brief) {
        case (0, 0):
            "Không phát hiện tiếp xúc. Không điện thoại nào mà máy này gặp thuộc về người đã được công bố dương tính."
        case (0, _): "Không phát hiện tiếp xúc. Có \(brief) lần bắt gặp rời rạc, được giải thích bên dưới."
        case (_, 0): "Phát hiện \(contacts) lần tiếp xúc với người sau đó có kết quả dương tính."
        default:
            "Phát hiện \(contacts) lần tiếp xúc với người sau đó có kết quả dương tính, và \(brief) lần bắt gặp rời rạc."
        }
    }

    func contact(_ day: CivilDate, _ first: String, _ last: String, minutes: Int64) -> String {
        "Ngày \(date(day)), từ \(first) đến \(last): tiếp xúc khoảng \(minutes) phút."
    }

    func brief(_ day: CivilDate, _ first: String, _ last: String, sightings: Int) -> String {
        sightings == 1
            ? "Ngày \(date(day)), lúc \(first): bắt gặp một lần. Một lần bắt gặp, như khi đi ngang qua, không phải là tiếp xúc."
            : """
            Ngày \(date(day)), từ \(first) đến \(last): bắt gặp \(sightings) lần, mỗi lần chỉ thoáng qua. Đây không \
            phải là tiếp xúc.
            """
    }

    func nearness(
        _ nearness: ExposureExplanation.Nearness,
        attenuation: Exposure.Levels?,
        rssi: Exposure.Levels?
    ) -> String {
        let place =
            switch nearness {
            case .near: "rất gần, cỡ khoảng cách khi nói chuyện"
            case .sameRoom: "cùng phòng hoặc ở gần"
            case .far: "hơi xa, hoặc cách một bức tường"
            }
        if let attenuation {
            return """
                Khoảng cách: \(place) (tín hiệu suy giảm thường là \(attenuation.typical) dB, gần nhất là \
                \(attenuation.nearest) dB).
                """
        }
        guard let rssi else { return "Khoảng cách: \(place)." }
        return """
            Khoảng cách: có lẽ \(place), chỉ xét theo cường độ tín hiệu (thường là \(rssi.typical) dBm, mạnh nhất là \
            \(rssi.nearest) dBm); không biết máy kia phát mạnh đến đâu.
            """
    }

    func certainty(_ type: ReportType, regions: String) -> String {
        let report =
            switch type {
            case .confirmed: "ca nhiễm đã được xét nghiệm khẳng định"
            case .clinical: "bác sĩ chẩn đoán nhiễm, chưa có xét nghiệm khẳng định"
            case .selfReport: "người đó tự báo kết quả xét nghiệm tại nhà, chưa ai kiểm tra"
            case .recursive: "người đó từng tiếp xúc với người nhiễm, chưa rõ kết quả xét nghiệm của chính họ"
            case .unknown, .revoked: "không nêu rõ ca nhiễm được phát hiện bằng cách nào"
            }
        return """
            Mức chắc chắn: \(report) (\(regions) công bố). Khoảng cách đo bằng sóng vô tuyến chỉ là ước lượng: cơ thể, túi \
            xách và tường làm thay đổi tín hiệu.
            """
    }

    func onset(_ days: Int) -> String {
        switch days {
        case 0: "Đó là ngày người kia bắt đầu có triệu chứng."
        case 1...: "Đó là \(days) ngày sau khi người kia bắt đầu có triệu chứng."
        default: "Đó là \(-days) ngày trước khi người kia có triệu chứng."
        }
    }

    func advice(isContact: Bool) -> String {
        isContact
            ? """
            Việc nên làm: hạn chế gặp người khác, nhất là người già và người bệnh; gọi trạm y tế nơi bạn ở để được hướng \
            dẫn xét nghiệm; theo dõi sốt, ho, khó thở đến hết 14 ngày sau ngày đó.
            """
            : "Việc nên làm: không cần làm gì đặc biệt; theo dõi sức khỏe và hỏi trạm y tế nơi bạn ở nếu có triệu chứng."
    }

    func basis(encounters: Int, keys: Int, day: CivilDate, clock: String) -> String {
        """
        Đã so \(encounters) lần bắt gặp của máy này với \(keys) khóa đã công bố, tính đến \(clock) ngày \(date(day)). Cách \
        này không thể tìm ra người không dùng ứng dụng và kết quả xét nghiệm chưa công bố.
        """
    }

    private func date(_ day: CivilDate) -> String { "\(day.day)/\(day.month)/\(day.year)" }
}

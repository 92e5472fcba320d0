internal import ExposureKeys

struct VietnameseExposureWords: ExposureWords {
    let nothingToCompare =
        "Chưa thể kết luận: máy này chưa có khóa nào đã công bố. Hãy tải khóa về trước rồi so lại."

    func summary(contacts: Int, others: Int) -> String {
        switch (contacts, others) {
        case (0, 0):
            "Không phát hiện tiếp xúc. Không điện thoại nào mà máy này gặp thuộc về người đã được công bố dương tính."
        case (0, _):
            """
            Không phát hiện tiếp xúc. Trong \(others) ngày có người ở gần mà sau đó được báo nhiễm, nhưng không tính là tiếp \
            xúc; xem bên dưới.
            """
        case (_, 0): "Phát hiện tiếp xúc trong \(contacts) ngày với người sau đó có kết quả dương tính."
        default:
            """
            Phát hiện tiếp xúc trong \(contacts) ngày với người sau đó có kết quả dương tính. Trong \(others) ngày khác có \
            người ở gần, nhưng không tính là tiếp xúc.
            """
        }
    }

    func lapsed(_ day: CivilDate, _ reason: LapsedWarning.Reason) -> String {
        switch reason {
        case .withdrawn:
            """
            Cảnh báo cho ngày \(date(day)) không còn hiệu lực: kết quả xét nghiệm đã được rút lại. Việc nên làm: không cần \
            làm gì vì cảnh báo này nữa; hỏi trạm y tế nơi bạn ở nếu có triệu chứng.
            """
        case .unconfirmed:
            """
            Cảnh báo cho ngày \(date(day)) hiện chưa thể xác nhận: căn cứ của nó không có trong các khóa hoặc quy tắc mà máy \
            này đang có. Cảnh báo có thể trở lại. Việc nên làm: tải khóa về và so lại; trong lúc chờ, hãy theo lời khuyên \
            đã kèm cảnh báo.
            """
        }
    }

    func contact(_ day: CivilDate, minutes: Int64) -> String {
        "Ngày \(date(day)): có tiếp xúc, tổng cộng \(about(minutes))."
    }

    func brief(_ day: CivilDate, minutes: Int64) -> String {
        """
        Ngày \(date(day)): ở gần tổng cộng \(about(minutes)), tính theo các lần máy này dò. Theo quy tắc hiện hành, thời gian \
        quá ngắn, khoảng cách quá xa, hoặc hôm đó người kia hầu như không lây: không tính là tiếp xúc.
        """
    }

    func unmeasured(_ day: CivilDate) -> String {
        """
        Ngày \(date(day)): có người ở gần, nhưng các lần máy này dò không cho biết trong bao lâu: có thể chỉ thoáng qua, có \
        thể lâu hơn. Không tính là tiếp xúc.
        """
    }

    func nearness(_ nearness: AttenuationBucket, isPowerKnown: Bool, isOverTime: Bool) -> String {
        let place =
            switch nearness {
            case .immediate: "rất gần, cỡ khoảng cách khi nói chuyện"
            case .near: "gần, như ngồi quanh một bàn"
            case .medium: "cùng phòng hoặc ở gần"
            case .other: "hơi xa, hoặc cách một bức tường"
            }
        let time = isOverTime ? "phần lớn thời gian" : "lúc gần nhất"
        return isPowerKnown
            ? "Khoảng cách: \(time) \(place)."
            : """
            Khoảng cách: \(time) có lẽ \(place), chỉ xét theo cường độ tín hiệu; không biết máy kia phát mạnh \
            đến đâu.
            """
    }

    func certainty(_ type: ReportType) -> String {
        let report =
            switch type {
            case .confirmed: "ca nhiễm đã được xét nghiệm khẳng định"
            case .clinical: "bác sĩ chẩn đoán nhiễm, chưa có xét nghiệm khẳng định"
            case .selfReport: "người đó tự báo kết quả xét nghiệm tại nhà, chưa ai kiểm tra"
            case .recursive: "người đó từng tiếp xúc với người nhiễm, chưa rõ kết quả xét nghiệm của chính họ"
            case .unknown, .revoked: "không nêu rõ ca nhiễm được phát hiện bằng cách nào"
            }
        return """
            Mức chắc chắn: \(report). Khoảng cách đo bằng sóng vô tuyến chỉ là ước lượng: cơ thể, túi xách và tường làm thay \
            đổi tín hiệu.
            """
    }

    func infectiousness(_ infectiousness: Infectiousness) -> String {
        switch infectiousness {
        case .high: "Khả năng lây: hôm đó được tính là ngày dễ lây nhất."
        case .standard: "Khả năng lây: hôm đó được tính là ngày ít lây hơn."
        case .none: "Khả năng lây: hôm đó được tính là ngày không lây."
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

    private func about(_ minutes: Int64) -> String { minutes == 0 ? "chưa đến 5 phút" : "khoảng \(minutes) phút" }

    private func date(_ day: CivilDate) -> String { "\(day.day)/\(day.month)/\(day.year)" }
}

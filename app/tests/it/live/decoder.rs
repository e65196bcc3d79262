//! A decoder of event streams, written after the WHATWG's HTML standard (9.2.6, interpreting an event stream).

/// An event as a page would be handed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) event: String,
    pub(super) data: String,
    pub(super) last_event_id: String,
}

impl Decoded {
    /// The value of a Datastar argument: its lines in `data`, without their name.
    pub(super) fn argument(&self, name: &str) -> Option<String> {
        let lines = self
            .data
            .split('\n')
            .map(|line| line.split_once(' ').unwrap_or((line, "")));
        let values: Vec<&str> = lines
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .collect();
        (!values.is_empty()).then(|| values.join("\n"))
    }
}

/// What a stream says besides its events.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) events: Vec<Decoded>,
    pub(super) comments: Vec<String>,
    pub(super) retry_ms: Option<u64>,
}

/// Decodes a whole stream. An event that its end cuts off is dropped, as the standard says.
pub(super) fn decode(bytes: &[u8]) -> Stream {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut stream = Stream::default();
    let (mut event, mut data, mut id) = (String::new(), String::new(), String::new());
    for line in lines(text) {
        if line.is_empty() {
            if let Some(data) = data.strip_suffix('\n') {
                let event = if event.is_empty() {
                    "message".to_owned()
                } else {
                    event.clone()
                };
                stream.events.push(Decoded {
                    event,
                    data: data.to_owned(),
                    last_event_id: id.clone(),
                });
            }
            event.clear();
            data.clear();
            continue;
        }
        if let Some(comment) = line.strip_prefix(':') {
            stream.comments.push(comment.trim().to_owned());
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event = value.to_owned(),
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            "id" if !value.contains('\0') => id = value.to_owned(),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                stream.retry_ms = value.parse().ok()
            }
            _ => {}
        }
    }
    stream
}

/// The lines that LF, CRLF or CR end. What follows the last end is no line.
fn lines(mut text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    while let Some(end) = text.find(['\n', '\r']) {
        lines.push(&text[..end]);
        let width = if text[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        text = &text[end + width..];
    }
    lines
}

#[test]
fn the_decoder_reads_the_examples_of_the_standard() {
    let events = |text: &str| {
        decode(text.as_bytes())
            .events
            .into_iter()
            .map(|event| event.data)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        events("data: YHOO\ndata: +2\ndata: 10\n\n"),
        ["YHOO\n+2\n10"]
    );
    assert_eq!(events("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
    assert_eq!(events("data:test\r\rdata: test\r\n\r\n"), ["test", "test"]);
    let ids = decode(b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n");
    let ids: Vec<_> = ids
        .events
        .iter()
        .map(|event| (&*event.data, &*event.last_event_id))
        .collect();
    assert_eq!(
        ids,
        [
            ("first event", "1"),
            ("second event", ""),
            (" third event", "")
        ]
    );
}

//! A strict JSON scanner that finds where a value ends without recursion, and says exactly
//! where and why it does not end.

/// Deeper nesting counts as malformed: no record comes near it, and readers that recurse
/// further down the line stay within their stack.
pub(super) const MAX_DEPTH: usize = 1024;

/// Why a value has no end when the text has simply run out.
pub(super) const ENDED: &str = "the text ends inside a value";

/// Why and where a value is not JSON.
#[derive(Debug)]
pub(super) struct Fault {
    /// Offset of the first byte that does not fit.
    pub(super) at: usize,
    /// How many objects and arrays are open there.
    pub(super) depth: usize,
    /// Whether a string is open there.
    pub(super) in_string: bool,
    /// What is wrong, in words.
    pub(super) why: &'static str,
}

impl Fault {
    /// Whether the text ran out before the value was complete.
    pub(super) fn is_end(&self) -> bool {
        self.why == ENDED
    }
}

/// The offset behind the JSON value that starts at `start`, blanks before it included.
pub(super) fn value(text: &[u8], start: usize) -> Result<usize, Fault> {
    let mut scanner = Scanner { text, at: start, depth: 0, in_string: false, objects: [0; MAX_DEPTH / 64] };
    match scanner.value() {
        Ok(()) => Ok(scanner.at),
        Err(why) => {
            Err(Fault { at: scanner.at.min(text.len()), depth: scanner.depth, in_string: scanner.in_string, why })
        }
    }
}

/// Where scalars that start at `at` end, when nothing else than values stands among and right behind them on their
/// line. A comma may stand there only where `listed`.
pub(super) fn scalars(text: &[u8], at: usize, listed: bool) -> Option<usize> {
    let (mut end, mut next) = (at, at);
    loop {
        match text.get(next) {
            Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                end = value(text, next).ok()?;
                next = end;
                if text[end - 1] != b'"' && text.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
                    return None;
                }
            }
            Some(b' ' | b'\t' | b'\r' | 0x1e) => next += 1,
            Some(b',') if listed && end > at => return Some(end),
            None | Some(b'\n' | b'{' | b'[') if end > at => return Some(end),
            _ => return None,
        }
    }
}

/// What some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Offset of the first byte that is neither a byte order mark nor blank.
pub(super) fn first_byte(text: &[u8]) -> usize {
    let mark = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    skip_blank(text, mark)
}

/// The offset of the first byte from `at` on that is no JSON white space.
pub(super) fn skip_blank(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// The members of the object at `start`: key without quotes (escapes left as they are) and the
/// range of the value. Ends at the first thing that is not JSON.
pub(super) fn members(text: &[u8], start: usize) -> Members<'_> {
    let first = skip_blank(text, start) + 1;
    Members { text, at: first }
}

/// See [`members`].
pub(super) struct Members<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Members<'t> {
    /// The next key and the offset at which its value starts, whether or not the value is sound.
    pub(super) fn key(&mut self) -> Option<(&'t [u8], usize)> {
        let quote = skip_blank(self.text, self.at);
        if self.text.get(quote) != Some(&b'"') {
            return None;
        }
        let end = value(self.text, quote).ok()?;
        let colon = skip_blank(self.text, end);
        if self.text.get(colon) != Some(&b':') {
            return None;
        }
        self.at = colon + 1;
        let start = skip_blank(self.text, colon + 1);
        Some((&self.text[quote + 1..end - 1], start))
    }

    /// Steps over the value whose offset [`Self::key`] gave, and over the comma behind it.
    pub(super) fn pass(&mut self, start: usize) -> Option<usize> {
        let end = value(self.text, start).ok()?;
        let comma = skip_blank(self.text, end);
        self.at = match self.text.get(comma) {
            Some(b',') => comma + 1,
            _ => self.text.len(),
        };
        Some(end)
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = (&'t [u8], &'t [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, start) = self.key()?;
        let end = self.pass(start)?;
        Some((key, &self.text[start..end]))
    }
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    in_string: bool,
    /// One bit for each open bracket: set for an object, clear for an array.
    objects: [u64; MAX_DEPTH / 64],
}

type Step = Result<(), &'static str>;

impl Scanner<'_> {
    fn value(&mut self) -> Step {
        loop {
            self.at = skip_blank(self.text, self.at);
            match self.text.get(self.at) {
                None => return Err(ENDED),
                Some(b'{') => {
                    if self.opens(true, b'}')? {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    if self.opens(false, b']')? {
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(_) => return Err("expected a value"),
            }
            if self.closes()? {
                return Ok(());
            }
        }
    }

    /// Steps into an object or array; false when it is empty and already closed.
    fn opens(&mut self, object: bool, closing: u8) -> Result<bool, &'static str> {
        if self.depth == MAX_DEPTH {
            return Err("nested too deeply");
        }
        let bit = 1 << (self.depth % 64);
        if object {
            self.objects[self.depth / 64] |= bit;
        } else {
            self.objects[self.depth / 64] &= !bit;
        }
        self.depth += 1;
        self.at = skip_blank(self.text, self.at + 1);
        if self.text.get(self.at) == Some(&closing) {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// What may follow a value: true when the outermost one is complete, false when another
    /// value is due.
    fn closes(&mut self) -> Result<bool, &'static str> {
        while self.depth > 0 {
            let top = self.depth - 1;
            let object = self.objects[top / 64] >> (top % 64) & 1 == 1;
            self.at = skip_blank(self.text, self.at);
            match self.text.get(self.at) {
                None => return Err(ENDED),
                Some(b',') => {
                    self.at += 1;
                    if object {
                        self.at = skip_blank(self.text, self.at);
                        self.key()?;
                    }
                    return Ok(false);
                }
                Some(b'}') if object => self.at += 1,
                Some(b']') if !object => self.at += 1,
                Some(_) => return Err("expected a comma or a closing bracket"),
            }
            self.depth = top;
        }
        Ok(true)
    }

    fn key(&mut self) -> Step {
        match self.text.get(self.at) {
            None => return Err(ENDED),
            Some(b'"') => self.string()?,
            Some(_) => return Err("expected a key"),
        }
        self.at = skip_blank(self.text, self.at);
        match self.text.get(self.at) {
            None => Err(ENDED),
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err("expected a colon"),
        }
    }

    fn string(&mut self) -> Step {
        self.in_string = true;
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20) else {
                self.at = self.text.len();
                return Err(ENDED);
            };
            self.at += length;
            match rest[length] {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return Err("a control character inside a string"),
            }
        }
        self.at += 1;
        self.in_string = false;
        Ok(())
    }

    fn escape(&mut self) -> Step {
        match self.text.get(self.at + 1) {
            None => return Err(ENDED),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.text.get(self.at + 2..self.at + 6).ok_or(ENDED)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err("an invalid escape inside a string");
                }
                self.at += 6;
            }
            Some(_) => return Err("an invalid escape inside a string"),
        }
        Ok(())
    }

    fn number(&mut self) -> Step {
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Step {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.text.get(self.at) {
            self.at += 1;
        }
        match self.text.get(self.at) {
            _ if self.at > start => Ok(()),
            None => Err(ENDED),
            Some(_) => Err("an invalid number"),
        }
    }

    fn literal(&mut self, word: &'static [u8]) -> Step {
        let rest = &self.text[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            Ok(())
        } else if word.starts_with(rest) {
            Err(ENDED)
        } else {
            Err("expected a value")
        }
    }
}

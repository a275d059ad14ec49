//! Records of several pages as lines, in objects of some megabytes.

use crate::source::Object;

/// An object ends when it is longer, in bytes.
const LONG: usize = 4 << 20;

/// Records that become objects, one JSON text a line.
pub(crate) struct Text {
    name: String,
    lines: Vec<u8>,
    objects: Vec<Object>,
}

impl Text {
    /// All objects get the same name.
    pub(crate) fn new(name: String) -> Self {
        Self { name, lines: Vec::new(), objects: Vec::new() }
    }

    pub(crate) fn add(&mut self, record: &str) {
        // Between the parts of a JSON text a line break is as good as a blank; inside of strings it cannot stand.
        self.lines.extend(record.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        self.lines.push(b'\n');
        if self.lines.len() > LONG {
            self.close();
        }
    }

    /// What was added since the last time.
    pub(crate) fn take(&mut self) -> Vec<Object> {
        self.close();
        std::mem::take(&mut self.objects)
    }

    fn close(&mut self) {
        if !self.lines.is_empty() {
            let lines = std::mem::take(&mut self.lines);
            self.objects.push(Object::memory(self.name.clone(), lines));
        }
    }
}

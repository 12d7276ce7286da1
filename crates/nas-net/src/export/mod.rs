//! Export: a network as a file for other programs. A format is a file of this folder and a line in
//! [`FORMATS`].

mod description;
mod format;
mod onnx;
mod python;
mod torchscript;

pub use description::Description;
pub use format::Format;
pub use onnx::onnx;
pub use python::python;

/// Every format.
pub static FORMATS: &[Format] = &[onnx::FORMAT, torchscript::FORMAT, python::FORMAT];

/// The format of that name.
///
/// # Errors
/// [`nas_space::Error::UnknownName`] with the nearest known name.
pub fn format(name: &str) -> Result<&'static Format, nas_space::Error> {
    let found = FORMATS.iter().find(|format| format.name == name);
    let known = FORMATS.iter().map(|format| format.name);
    found.ok_or_else(|| nas_space::Error::unknown_name("format", name, known))
}

#[cfg(test)]
mod tests;

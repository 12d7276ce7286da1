//! Networks in ONNX Runtime, on the processor.
//!
//! The library is loaded when it is first needed: the one that `ORT_DYLIB_PATH` names when the program
//! runs, or else the one that it named when the program was built.

use std::{env, path::PathBuf};

use ort::{
    session::{Session, builder::SessionBuilder},
    value::TensorRef,
};

use crate::Error;

const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Loads ONNX Runtime, once for the whole process; returns the library's path.
///
/// # Errors
/// [`Error::NoOnnxRuntime`] if there is none, or one that is too old.
pub fn open() -> Result<PathBuf, Error> {
    let named = env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| option_env!("ORT_DYLIB_PATH").map(PathBuf::from));
    let missing = |problem: String| Error::NoOnnxRuntime { problem };
    let path = path.ok_or_else(|| missing(format!("{VARIABLE} names no library")))?;
    if !path.is_file() {
        return Err(missing(format!("there is no {}", path.display())));
    }
    let environment = ort::init_from(&path).map_err(|error| missing(error.to_string()))?;
    environment.commit();
    Ok(path)
}

/// A network that was read from a file in the ONNX format, with one input and one output.
#[derive(Debug)]
pub struct OnnxNetwork(Session);

impl OnnxNetwork {
    /// Reads a file's bytes, for so many threads.
    ///
    /// # Errors
    /// [`Error::NoOnnxRuntime`]; [`Error::OnnxRuntime`] for a file that it refuses.
    pub fn new(file: &[u8], threads: usize) -> Result<Self, Error> {
        open()?;
        let builder: SessionBuilder = Session::builder()?;
        let mut builder = builder.with_intra_threads(threads).map_err(ort::Error::<()>::from)?;
        Ok(Self(builder.commit_from_memory(file)?))
    }

    /// Logits, image after image, of images of shape (count, channels, height, width).
    ///
    /// # Errors
    /// [`Error::OnnxRuntime`] for images of another shape.
    pub fn logits(&mut self, images: &[f32], shape: [usize; 4]) -> Result<Vec<f32>, Error> {
        let images = TensorRef::from_array_view((shape, images))?;
        let outputs = self.0.run(ort::inputs![images])?;
        let (_, logits) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(logits.to_vec())
    }
}

impl<R> From<ort::Error<R>> for Error {
    fn from(error: ort::Error<R>) -> Self {
        Self::OnnxRuntime { problem: error.to_string() }
    }
}

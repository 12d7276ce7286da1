//! Files of weights, and of a training that is to go on.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tch::{Kind, Tensor};

use crate::Error;

/// Tensors of 32-bit floats by name, and texts beside them, in the format safetensors.
#[derive(Debug, Default)]
pub struct Checkpoint {
    /// Tensors with their names.
    pub tensors: Vec<(String, Tensor)>,
    /// Texts by name.
    pub texts: HashMap<String, String>,
}

impl Checkpoint {
    /// Writes the file; what it was before stays until the new one is complete.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let file = |source| Error::File { path: path.to_owned(), source };
        let mut bytes = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            let flat = tensor.f_detach()?.f_to_kind(Kind::Float)?.f_contiguous()?.f_reshape(-1)?;
            let values = Vec::<f32>::try_from(flat)?;
            let shape: Vec<usize> = tensor.size().iter().map(|size| *size as usize).collect();
            let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            bytes.push((name, shape, raw));
        }
        let views = bytes.iter().map(|(name, shape, raw)| {
            TensorView::new(Dtype::F32, shape.clone(), raw).map(|view| (name.as_str(), view))
        });
        let other = |error: safetensors::SafeTensorError| file(std::io::Error::other(error));
        let views: Vec<_> = views.collect::<Result<_, _>>().map_err(other)?;
        let all = safetensors::serialize(views, Some(self.texts.clone())).map_err(other)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut making = tempfile::NamedTempFile::new_in(folder).map_err(file)?;
        making.write_all(&all).map_err(file)?;
        making.as_file().sync_all().map_err(file)?;
        making.persist(path).map_err(|error| file(error.error))?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, [`Error::Checkpoint`] where it is no such file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes =
            fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let wrong = |error: &dyn std::fmt::Display| Error::Checkpoint {
            path: path.to_owned(),
            problem: format!("no whole file of weights: {error}"),
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| wrong(&error))?;
        let texts = metadata.metadata().clone().unwrap_or_default();
        let found = SafeTensors::deserialize(&bytes).map_err(|error| wrong(&error))?;
        let mut tensors = Vec::new();
        for (name, view) in found.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(wrong(&format!("{name} is of {:?}, expected F32", view.dtype())));
            }
            let values = view.data().chunks_exact(4);
            let values: Vec<f32> =
                values.map(|raw| f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]])).collect();
            let shape: Vec<i64> = view.shape().iter().map(|size| *size as i64).collect();
            tensors.push((name, Tensor::f_from_slice(&values)?.f_reshape(shape)?));
        }
        Ok(Self { tensors, texts })
    }

    /// A tensor by its name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(one, _)| one == name).map(|(_, tensor)| tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let tensor = Tensor::from_slice(&[1.0_f32, 2.5, -3.0, 4.0, 5.0, 6.0]).reshape([2, 3]);
        let texts = HashMap::from([("arch".to_owned(), "a | b".to_owned())]);
        let tensors = vec![("stem_conv1.weight".to_owned(), tensor.tr())];
        Checkpoint { tensors, texts: texts.clone() }.write(&path).unwrap();
        let read = Checkpoint::read(&path).unwrap();
        assert_eq!(read.texts, texts);
        assert_eq!(read.tensor("stem_conv1.weight").unwrap(), &tensor.tr());
        assert!(read.tensor("other").is_none());
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(Checkpoint::read(&path), Err(Error::Checkpoint { .. })));
        let nowhere = folder.path().join("nowhere/weights");
        let error = Checkpoint::default().write(&nowhere).unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }
}

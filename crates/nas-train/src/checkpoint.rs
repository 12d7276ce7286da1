//! Files of weights, and of a training that is to go on.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write;
use std::path::Path;

use nas_net::BuiltNetwork;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
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
    /// The weights and running statistics of a network, by their names in its Python module.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn of(network: &dyn BuiltNetwork) -> Result<Self, Error> {
        let state = network.state()?.into_iter();
        let copied = state.map(|(name, tensor)| Ok((name, tensor.f_detach_copy()?)));
        Ok(Self { tensors: copied.collect::<Result<_, Error>>()?, texts: HashMap::new() })
    }

    /// Writes weights and running statistics into a network of the same shape.
    ///
    /// # Errors
    /// What is missing or of another shape; the network may have some of the values then.
    pub fn load_into(&self, network: &dyn BuiltNetwork) -> Result<(), String> {
        for (name, mut tensor) in network.state().map_err(|error| error.to_string())? {
            let found = self.tensor(&name).ok_or_else(|| format!("{name} is missing"))?;
            if found.size() != tensor.size() {
                let (found, expected) = (found.size(), tensor.size());
                return Err(format!("{name} has the shape {found:?}, expected {expected:?}"));
            }
            tch::no_grad(|| tensor.f_copy_(found)).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The file's content.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
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
        let unwritable =
            |error: safetensors::SafeTensorError| Error::Weights { problem: error.to_string() };
        let views: Vec<_> = views.collect::<Result<_, _>>().map_err(unwritable)?;
        let file = safetensors::serialize(views, Some(self.texts.clone())).map_err(unwritable)?;
        in_order(&file).ok_or_else(|| Error::Weights { problem: "no header".to_owned() })
    }

    /// Writes the file; what it was before stays until the new one is complete.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let file = |source| Error::File { path: path.to_owned(), source };
        let all = self.bytes()?;
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

/// The same file with the names of its header in order: equal weights and texts give equal bytes.
fn in_order(file: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let (header, values) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let mut header = sorted(serde_json::from_slice(header).ok()?).to_string().into_bytes();
    // Values begin at a multiple of 8 bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    Some([&(header.len() as u64).to_le_bytes(), &header[..], values].concat())
}

/// The same JSON with the names of each object in order.
fn sorted(json: Value) -> Value {
    match json {
        Value::Object(object) => {
            let ordered: BTreeMap<String, Value> = object.into_iter().collect();
            ordered.into_iter().map(|(name, value)| (name, sorted(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_and_texts_give_equal_bytes() {
        let texts = |names: [&str; 4]| names.map(|name| (name.to_owned(), name.to_owned())).into();
        let tensors = || vec![("a".to_owned(), Tensor::from_slice(&[1.0_f32, 2.0]))];
        let one = Checkpoint { tensors: tensors(), texts: texts(["a", "b", "c", "d"]) };
        let other = Checkpoint { tensors: tensors(), texts: texts(["d", "c", "b", "a"]) };
        assert_eq!(one.bytes().unwrap(), other.bytes().unwrap());
    }

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
        let error = read.write(&nowhere).unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }
}

//! Arrays of NumPy in an .npz file: `x` and `y`, and `x_val` and `y_val`, `x_test` and `y_test` beside them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::{NpyFile, Order};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::dataset::{Example, Store};
use crate::{Error, Shape};

/// Examples of a file, by part.
#[derive(Debug)]
pub(crate) struct Arrays {
    pub classes: usize,
    pub shape: Shape,
    pub store: Store,
    pub train: Vec<Example>,
    pub validation: Vec<Example>,
    pub test: Vec<Example>,
}

/// Values in the order of a shape of this crate: of images channels last.
#[derive(Debug)]
enum X {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

type Archive = ZipArchive<BufReader<File>>;

pub(crate) fn read(path: &Path) -> Result<Arrays, Error> {
    let file = File::open(path).map_err(Error::read(path))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| Error::Unknown {
        path: path.to_owned(),
        problem: "it is no .npz file, as numpy.savez writes it".to_owned(),
    })?;
    let reading = &mut Reading { path, archive: &mut archive };
    let Some((mut x, shape, count)) = reading.x("x", None)? else {
        return Err(reading.missing("x"));
    };
    let labels = reading.y("y", count)?.ok_or_else(|| reading.missing("y"))?;
    let classes = labels.iter().max().map_or(0, |most| *most as usize + 1);
    let train = examples(0, &labels);
    let mut end = count;
    let mut part = |x_name: &str, y_name: &str| -> Result<Vec<Example>, Error> {
        let Some((values, _, count)) = reading.x(x_name, Some(shape))? else {
            return Ok(Vec::new());
        };
        let labels = reading.y(y_name, count)?.ok_or_else(|| reading.missing(y_name))?;
        if let Some(example) = labels.iter().position(|label| *label as usize >= classes) {
            let (path, label) = (reading.path.to_owned(), i64::from(labels[example]));
            return Err(Error::Label { path, example, label, classes });
        }
        match (&mut x, values) {
            (X::Bytes(all), X::Bytes(more)) => all.extend(more),
            (X::Floats(all), X::Floats(more)) => all.extend(more),
            _ => return Err(reading.wrong(x_name, "its type is another than that of x".to_owned())),
        }
        let first = end;
        end += count;
        Ok(examples(first as u32, &labels))
    };
    let (validation, test) = (part("x_val", "y_val")?, part("x_test", "y_test")?);
    let length = shape.count();
    let store = match x {
        X::Bytes(values) => Store::Bytes { values, length },
        X::Floats(values) => Store::Floats { values, length },
    };
    Ok(Arrays { classes, shape, store, train, validation, test })
}

fn examples(first: u32, labels: &[u32]) -> Vec<Example> {
    (first..).zip(labels).map(|(at, label)| Example { at, label: *label }).collect()
}

/// More classes than this are a mistake, such as values to predict in place of classes.
const CLASSES: i64 = 1_000_000;

struct Reading<'a> {
    path: &'a Path,
    archive: &'a mut Archive,
}

impl Reading<'_> {
    fn wrong(&self, array: &str, problem: String) -> Error {
        Error::Array { path: self.path.to_owned(), array: array.to_owned(), problem }
    }

    fn missing(&self, array: &str) -> Error {
        let there = self.archive.file_names().flatten();
        let there: Vec<String> =
            there.map(|name| name.trim_end_matches(".npy").to_owned()).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        self.wrong(array, format!("this array is missing; there are: {there}"))
    }

    /// Hands an array to `read`; `None` if the file has none of that name.
    fn array<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(NpyFile<&mut dyn Read>) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let path = self.path;
        let wrong = |problem: String| Error::Array {
            path: path.to_owned(),
            array: name.to_owned(),
            problem,
        };
        let mut entry = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let entry: &mut dyn Read = &mut entry;
        let array = NpyFile::new(entry).map_err(|error| wrong(error.to_string()))?;
        if array.order() == Order::Fortran && array.shape().len() > 1 {
            return Err(wrong(
                "it is in Fortran's order: save numpy.ascontiguousarray of it".to_owned(),
            ));
        }
        read(array).map(Some).map_err(wrong)
    }

    /// Values of examples, of the shape `like` if it is given; their shape and number.
    fn x(&mut self, name: &str, like: Option<Shape>) -> Result<Option<(X, Shape, usize)>, Error> {
        let found = self.array(name, |array| {
            let (shape, count) = shape_of(array.shape())?;
            if let Some(like) = like
                && like != shape
            {
                return Err(format!("its examples are {shape}, those of x are {like}"));
            }
            Ok((numbers(array)?, shape, count))
        })?;
        let Some((values, shape, count)) = found else { return Ok(None) };
        if let X::Floats(values) = &values
            && let Some(position) = values.iter().position(|value| !value.is_finite())
        {
            return Err(Error::NotFinite {
                path: self.path.to_owned(),
                array: name.to_owned(),
                example: position / shape.count(),
                value: values[position],
            });
        }
        Ok(Some((channels_last(values, shape), shape, count)))
    }

    /// The labels of so many examples.
    fn y(&mut self, name: &str, count: usize) -> Result<Option<Vec<u32>>, Error> {
        let path = self.path.to_owned();
        let labels = self.array(name, |array| {
            let &[length] = array.shape() else {
                let shape = array.shape();
                return Err(format!(
                    "its shape is {shape:?}, expected (count,) with the number of a class for each example; \
                     numpy.argmax(y, 1) of a column for each class"
                ));
            };
            if length as usize != count {
                return Err(format!("it has {length} labels for {count} examples"));
            }
            whole_numbers(array, "whole numbers: save y.astype('int64')")
        })?;
        let Some(labels) = labels else { return Ok(None) };
        if let Some(example) = labels.iter().position(|label| !(0..CLASSES).contains(label)) {
            let (label, classes) = (labels[example], CLASSES as usize);
            return Err(Error::Label { path, example, label, classes });
        }
        Ok(Some(labels.into_iter().map(|label| label as u32).collect()))
    }
}

/// The shape of an example, and how many there are.
fn shape_of(shape: &[u64]) -> Result<(Shape, usize), String> {
    let sizes: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
    let expected = "expected (count, channels, height, width) or (count, channels, length)";
    if sizes.contains(&0) {
        return Err(format!("its shape is {shape:?}: no examples"));
    }
    match sizes[..] {
        [_, height, width, channels @ (1 | 3 | 4)] if height > 4 && width > 4 => Err(format!(
            "its shape is {shape:?} with {channels} channels at the end, {expected}: save \
             numpy.transpose(x, (0, 3, 1, 2))"
        )),
        [count, channels, height, width] => Ok((Shape::Image { channels, height, width }, count)),
        [count, channels, length] => Ok((Shape::Sequence { channels, length }, count)),
        _ => Err(format!("its shape is {shape:?}, {expected}")),
    }
}

/// The values of an array of numbers, in its own order.
fn numbers(array: NpyFile<&mut dyn Read>) -> Result<X, String> {
    let kind = array.dtype().descr();
    let values = match kind.trim_matches('\'').trim_start_matches(['<', '>', '|', '=']) {
        "u1" => return array.into_vec().map(X::Bytes).map_err(|error| error.to_string()),
        "f4" => array.into_vec::<f32>(),
        "f8" => array.into_vec::<f64>().map(narrow),
        _ => {
            let whole = whole_numbers(array, "numbers: float32, float64 or whole ones")?;
            Ok(whole.into_iter().map(|value| value as f32).collect())
        }
    };
    values.map(X::Floats).map_err(|error| error.to_string())
}

fn narrow(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|value| value as f32).collect()
}

/// The values of an array of whole numbers; `expected` is said where it is another.
fn whole_numbers(array: NpyFile<&mut dyn Read>, expected: &str) -> Result<Vec<i64>, String> {
    let kind = array.dtype().descr();
    let values = match kind.trim_matches('\'').trim_start_matches(['<', '>', '|', '=']) {
        "i8" => array.into_vec::<i64>(),
        "i4" => array.into_vec::<i32>().map(wide),
        "i2" => array.into_vec::<i16>().map(wide),
        "i1" => array.into_vec::<i8>().map(wide),
        "u1" => array.into_vec::<u8>().map(wide),
        "u2" => array.into_vec::<u16>().map(wide),
        "u4" => array.into_vec::<u32>().map(wide),
        _ => return Err(format!("its type is {kind}, expected {expected}")),
    };
    values.map_err(|error| error.to_string())
}

fn wide<T: Into<i64>>(values: Vec<T>) -> Vec<i64> {
    values.into_iter().map(Into::into).collect()
}

/// The values of images with the channels of a pixel side by side.
fn channels_last(values: X, shape: Shape) -> X {
    fn turned<T: Copy>(values: &[T], channels: usize, pixels: usize) -> Vec<T> {
        let mut turned = Vec::with_capacity(values.len());
        for image in values.chunks_exact(channels * pixels) {
            for pixel in 0..pixels {
                turned.extend((0..channels).map(|channel| image[channel * pixels + pixel]));
            }
        }
        turned
    }
    let Shape::Image { channels, height, width } = shape else { return values };
    match values {
        _ if channels == 1 => values,
        X::Bytes(values) => X::Bytes(turned(&values, channels, height * width)),
        X::Floats(values) => X::Floats(turned(&values, channels, height * width)),
    }
}

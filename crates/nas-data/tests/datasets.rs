//! Data sets in folders and files, as users have them.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{DynamicImage, GrayImage, Rgb, RgbImage, Rgba, RgbaImage};
use nas_data::{
    Augmentation, Batch, Dataset, Epoch, Error, Options, PartName, Shape, Survey, Values,
};
use tempfile::TempDir;

fn save(path: &Path, image: impl Into<DynamicImage>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save(path).unwrap();
}

/// Ten images of 4×4 pixels in each of the classes `a` and `b`: their red is the number of the image, and
/// their green that of the class.
fn folder(part: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fill(&folder.path().join(part), 0);
    folder
}

fn fill(part: &Path, first: u8) {
    for (class, name) in [(0, "a"), (1, "b")] {
        for number in first..first + 10 {
            let image = RgbImage::from_pixel(4, 4, Rgb([number, class, 0]));
            save(&part.join(format!("{name}/{number}.png")), image);
        }
    }
}

fn open(path: &Path) -> Result<Dataset, Error> {
    Dataset::open(path, &Options::default())
}

fn problem(path: &Path) -> String {
    open(path).unwrap_err().to_string()
}

fn survey(data: &Dataset) -> Survey {
    data.survey(2, |_| ())
}

/// Red and green of each image of a batch of 4×4 pixels, and its label.
fn images(batch: &Batch) -> Vec<(u8, u8, i64)> {
    let Values::Bytes(values) = &batch.values else { panic!("images are bytes") };
    let first = values.chunks_exact(48).map(|image| (image[0], image[1]));
    first.zip(&batch.labels).map(|((red, green), label)| (red, green, *label)).collect()
}

#[test]
fn a_share_of_each_class_is_held_out() {
    let folder = folder("");
    let data = Arc::new(open(folder.path()).unwrap());
    assert_eq!(data.classes(), ["a", "b"]);
    assert_eq!(data.shape().unwrap(), Shape::Image { channels: 3, height: 4, width: 4 });
    assert_eq!(data.counts(PartName::Train), [8, 8]);
    assert_eq!(data.counts(PartName::Validation), [2, 2]);
    let mut seen = HashSet::new();
    for part in PartName::ALL {
        for batch in data.in_order(part, 3, 2).unwrap() {
            for (red, green, label) in images(&batch.unwrap()) {
                assert_eq!(i64::from(green), label);
                assert!(seen.insert((red, label)), "an image is in two parts");
            }
        }
    }
    assert_eq!(seen.len(), 20);
}

#[test]
fn parts_are_taken_as_they_are() {
    let folder = folder("train");
    fill(&folder.path().join("valid"), 20);
    fill(&folder.path().join("test"), 9);
    fs::write(folder.path().join("train/a/notes.txt"), "mine").unwrap();
    fs::write(folder.path().join("train/a/.DS_Store"), "its").unwrap();
    let data = open(folder.path()).unwrap();
    assert_eq!(PartName::ALL.map(|part| data.count(part)), [20, 20, 20]);
    assert_eq!(data.other_files().get("txt"), Some(&1));
    let survey = survey(&data);
    // Number 9 of both classes is in the test part too.
    assert_eq!(survey.leaks.len(), 2);
    assert!(
        survey.leaks.iter().all(|(part, name)| *part == PartName::Test && name.contains("9.png"))
    );
    assert_eq!(survey.means[..2], [4.5, 0.5]);
    assert_eq!(survey.deviations[1..], [0.5, 0.0]);
}

#[test]
fn an_epoch_is_the_same_for_any_number_of_threads() {
    let folder = folder("");
    let data = Arc::new(open(folder.path()).unwrap());
    let augmentation = Augmentation { crop: 1, flip: true, cutout: 2 };
    let epoch = |number, threads| -> Vec<Batch> {
        let epoch = Epoch { batch: 3, number, seed: 5, augmentation, threads };
        data.shuffled(epoch).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(epoch(0, 1), epoch(0, 4));
    assert_ne!(epoch(0, 1), epoch(1, 1));
    assert_eq!(epoch(0, 1).len(), 5, "16 examples fill five batches of three");
    let large = Epoch { batch: 64, number: 0, seed: 0, augmentation, threads: 2 };
    let whole: Vec<Batch> = data.shuffled(large).unwrap().map(Result::unwrap).collect();
    assert_eq!(whole[0].labels.len(), 16, "a small part is one batch");
}

#[test]
fn an_epoch_may_be_left() {
    let folder = folder("");
    let data = Arc::new(open(folder.path()).unwrap());
    let mut batches = data.in_order(PartName::Train, 1, 3).unwrap();
    assert_eq!(batches.len(), 16);
    assert!(batches.next().unwrap().is_ok());
    drop(batches);
}

#[test]
fn grey_files_are_grey_and_others_make_all_coloured() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        for number in 0..4 {
            let grey = GrayImage::from_pixel(4, 4, [number].into());
            save(&folder.path().join(format!("{class}/{number}.png")), grey);
        }
    }
    let channels = || open(folder.path()).unwrap().shape().unwrap().channels();
    assert_eq!(channels(), 1);
    let clear = RgbaImage::from_pixel(4, 4, Rgba([9, 9, 9, 0]));
    save(&folder.path().join("a/clear.png"), clear);
    assert_eq!(channels(), 3);
}

#[test]
fn files_that_are_no_images_are_named_and_can_be_left_out() {
    let folder = folder("");
    fs::write(folder.path().join("a/note.png"), "some text").unwrap();
    let picture = RgbImage::from_fn(4, 4, |x, y| Rgb([x as u8, y as u8, 7]));
    save(&folder.path().join("b/cut.jpg"), picture);
    let cut = fs::read(folder.path().join("b/cut.jpg")).unwrap();
    fs::write(folder.path().join("b/cut.jpg"), &cut[..cut.len() - 20]).unwrap();
    let mut data = open(folder.path()).unwrap();
    let unreadable = survey(&data).unreadable;
    let mut names: Vec<_> = unreadable.iter().map(|(file, _)| file.file_name().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["cut.jpg", "note.png"]);
    let error = Error::Unreadable { files: unreadable.clone() }.to_string();
    assert!(error.starts_with("2 files can not be read:"), "{error}");
    assert_eq!(data.count(PartName::Train) + data.count(PartName::Validation), 22);
    data.without(&unreadable).unwrap();
    assert_eq!(data.count(PartName::Train) + data.count(PartName::Validation), 20);
    let data = Arc::new(data);
    for part in [PartName::Train, PartName::Validation] {
        assert!(data.in_order(part, 7, 2).unwrap().all(|batch| batch.is_ok()));
    }
}

#[test]
fn several_sizes_need_one_to_scale_to() {
    let folder = folder("");
    save(&folder.path().join("a/wide.png"), RgbImage::from_pixel(120, 100, Rgb([200, 0, 0])));
    let data = open(folder.path()).unwrap();
    let error = data.shape().unwrap_err().to_string();
    assert!(error.contains("images of 2 sizes, from 4×4 to 120×100 pixels"), "{error}");
    let scaled = Options { size: Some(8), ..Options::default() };
    let data = Arc::new(Dataset::open(folder.path(), &scaled).unwrap());
    assert_eq!(data.shape().unwrap().count(), 3 * 64);
    assert!(data.in_order(PartName::Train, 5, 2).unwrap().all(|batch| batch.is_ok()));
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        for number in 0..2 {
            let path = folder.path().join(format!("{class}/{number}.png"));
            save(&path, RgbImage::from_pixel(60, 40, Rgb([number, 0, 0])));
        }
    }
    let error = open(folder.path()).unwrap().shape().unwrap_err().to_string();
    assert!(
        error.contains("60×40 pixels, which are not square") && error.contains("--size 32"),
        "{error}"
    );
}

#[test]
fn classes_that_cannot_be_told_apart_are_refused() {
    let folder = folder("");
    fs::create_dir(folder.path().join("c")).unwrap();
    assert!(problem(folder.path()).contains("the class c has no PNG or JPEG files"));
    fs::rename(folder.path().join("c"), folder.path().join("A")).unwrap();
    assert!(problem(folder.path()).contains("the classes A and a differ by case only"));
    fs::remove_dir(folder.path().join("A")).unwrap();
    fs::remove_dir_all(folder.path().join("b")).unwrap();
    assert!(problem(folder.path()).contains("one class, a"));
    let parts = self::folder("train");
    fill(&parts.path().join("val"), 10);
    fs::rename(parts.path().join("val/b"), parts.path().join("val/z")).unwrap();
    assert!(
        problem(parts.path())
            .contains("the class z is in the validation part but not in the training")
    );
}

#[test]
fn what_is_no_data_set_is_refused_with_what_is_one() {
    let folder = tempfile::tempdir().unwrap();
    for error in [problem(folder.path()), problem(&folder.path().join("nowhere"))] {
        assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    }
    let file = folder.path().join("data.csv");
    fs::write(&file, "x").unwrap();
    assert!(problem(&file).contains("a file with the extension .csv; expected a folder"));
    let few = self::folder("");
    let refused = |options| Dataset::open(few.path(), &options).unwrap_err().to_string();
    assert!(refused(Options { hold_out: 1.0, ..Options::default() }).contains("hold-out 1"));
    assert!(refused(Options { size: Some(2), ..Options::default() }).contains("4 to 4096 pixels"));
}

/// An .npz file of arrays: name, type, shape and bytes.
fn arrays(arrays: &[(&str, &str, &[usize], Vec<u8>)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, kind, shape, bytes) in arrays {
        archive
            .start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default())
            .unwrap();
        let shape = shape.iter().fold(String::new(), |shape, size| shape + &format!("{size}, "));
        let header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
        archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
    (folder, path)
}

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

fn labels(values: impl IntoIterator<Item = i64>) -> Vec<u8> {
    values.into_iter().flat_map(i64::to_le_bytes).collect()
}

#[test]
fn arrays_of_images_lie_channels_last() {
    let x: Vec<u8> = (0..4)
        .flat_map(|image| [10 * image, 10 * image + 1, 10 * image + 2, 10 * image + 3, 9, 9, 9, 9])
        .collect();
    let (_folder, path) = arrays(&[
        ("x", "|u1", &[4, 2, 2, 2], x),
        ("y", "<i8", &[4], labels([0, 1, 1, 0])),
        ("x_val", "|u1", &[1, 2, 2, 2], vec![1, 2, 3, 4, 5, 6, 7, 8]),
        ("y_val", "<i8", &[1], labels([1])),
    ]);
    let data = Arc::new(open(&path).unwrap());
    assert_eq!(data.shape().unwrap(), Shape::Image { channels: 2, height: 2, width: 2 });
    let batch = data.in_order(PartName::Validation, 9, 1).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.values, Values::Bytes(vec![1, 5, 2, 6, 3, 7, 4, 8]));
    assert_eq!(batch.labels, [1]);
    let batch = data.in_order(PartName::Train, 9, 1).unwrap().next().unwrap().unwrap();
    let Values::Bytes(values) = batch.values else { panic!() };
    assert_eq!(values[8..12], [10, 9, 11, 9]);
}

#[test]
fn arrays_of_sequences_are_floats() {
    let x = floats((0..24).map(|value| value as f32 / 2.0));
    let (_folder, path) =
        arrays(&[("x", "<f4", &[4, 2, 3], x), ("y", "|u1", &[4], vec![0, 1, 0, 1])]);
    let data = open(&path).unwrap();
    assert_eq!(data.shape().unwrap(), Shape::Sequence { channels: 2, length: 3 });
    assert_eq!(data.count(PartName::Train), 2);
    let survey = survey(&data);
    assert!(survey.means[0] < survey.means[1], "{survey:?}");
    let sized = Options { size: Some(8), ..Options::default() };
    let error = Dataset::open(&path, &sized).unwrap_err().to_string();
    assert!(error.contains("sequences, which are not scaled"), "{error}");
}

#[test]
fn wrong_arrays_are_named_with_what_to_do() {
    let x = || ("x", "<f4", &[2_usize, 1, 3][..], floats([0.0; 6]));
    let y = || ("y", "<i8", &[2_usize][..], labels([0, 1]));
    let wrong = |given: &[(&str, &str, &[usize], Vec<u8>)]| problem(&arrays(given).1);
    for (given, expected) in [
        (vec![x()], "y: this array is missing; there are: x"),
        (vec![y()], "x: this array is missing"),
        (
            vec![("x", "<f4", &[6][..], floats([0.0; 6])), y()],
            "expected (count, channels, height, width)",
        ),
        (
            vec![("x", "|u1", &[2, 8, 8, 3][..], vec![0; 384]), y()],
            "save numpy.transpose(x, (0, 3, 1, 2))",
        ),
        (vec![("x", "<f4", &[0, 1, 3][..], vec![]), y()], "no examples"),
        (
            vec![("x", "<f4", &[2, 1, 3][..], floats([0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0])), y()],
            "x: example 1 (counted from 0) has the value NaN",
        ),
        (vec![x(), ("y", "<i8", &[3][..], labels([0, 1, 1]))], "3 labels for 2 examples"),
        (vec![x(), ("y", "<f4", &[2][..], floats([0.0, 1.0]))], "save y.astype('int64')"),
        (vec![x(), ("y", "<i8", &[2, 2][..], labels([0, 1, 1, 0]))], "numpy.argmax(y, 1)"),
        (vec![x(), ("y", "<i8", &[2][..], labels([0, -1]))], "the label -1"),
        (vec![x(), ("y", "<i8", &[2][..], labels([0, 2]))], "the class 1 has no examples"),
        (vec![x(), ("y", "<i8", &[2][..], labels([0, 0]))], "one class"),
        (
            vec![
                x(),
                y(),
                ("x_val", "<f4", &[1, 1, 3][..], floats([0.0; 3])),
                ("y_val", "<i8", &[1][..], labels([2])),
            ],
            "the label 2, expected 0 to 1",
        ),
        (
            vec![x(), y(), ("x_val", "<f4", &[1, 1, 4][..], floats([0.0; 4]))],
            "its examples are sequences of 4 values, those of x are sequences of 3 values",
        ),
        (vec![("x", "<U3", &[2, 1, 3][..], vec![0; 72]), y()], "its type is"),
    ] {
        let error = wrong(&given);
        assert!(error.contains(expected), "expected {expected}: {error}");
    }
    let (_folder, path) = arrays(&[x(), y()]);
    let error = problem(&path);
    assert!(error.contains("no class has two examples"), "{error}");
    fs::write(&path, "no archive").unwrap();
    assert!(problem(&path).contains("it is no .npz file"));
}

#[test]
fn files_of_cifar_are_one_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let record = |label: u8| [vec![label], vec![label; 3072]].concat();
    let file = |name: &str, labels: &[u8]| {
        fs::write(
            folder.path().join(name),
            labels.iter().flat_map(|one| record(*one)).collect::<Vec<u8>>(),
        )
        .unwrap();
    };
    let all: Vec<u8> = (0..10).collect();
    file("data_batch_1.bin", &[&all[..], &all].concat());
    file("data_batch_2.bin", &all);
    file("test_batch.bin", &[3]);
    let options = Options { hold_out: 0.34, ..Options::default() };
    let data = Dataset::open(folder.path(), &options).unwrap();
    assert_eq!(PartName::ALL.map(|part| data.count(part)), [20, 10, 1]);
    assert_eq!(data.classes()[9], "truck");
    let one = Dataset::open(&folder.path().join("data_batch_1.bin"), &options).unwrap();
    assert_eq!(PartName::ALL.map(|part| one.count(part)), [10, 10, 0]);
    let small = Options { size: Some(16), ..options };
    let small = Dataset::open(folder.path(), &small).unwrap();
    assert_eq!(small.shape().unwrap().count(), 3 * 16 * 16);
}

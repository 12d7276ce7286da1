//! What `nas data` says of a user's data.

use std::path::Path;

use image::{Rgb, RgbImage};
use nas_tests::{Nas, images};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// Images of 8×8 pixels, each in one colour: `first` and so many after it are the reds, by class.
fn save(folder: &Path, class: &str, first: u8, count: u8) {
    let folder = folder.join(class);
    std::fs::create_dir_all(&folder).unwrap();
    for red in first..first + count {
        let image = RgbImage::from_pixel(8, 8, Rgb([red, 128, 0]));
        image.save(folder.join(format!("{red}.png"))).unwrap();
    }
}

#[test]
fn a_folder_of_images_is_described_with_what_is_wrong() {
    let nas = Nas::without_tables(PROGRAM);
    let flowers = nas.folder().join("flowers");
    save(&flowers.join("train"), "daisy", 0, 9);
    save(&flowers.join("train"), "rose", 100, 3);
    save(&flowers.join("val"), "daisy", 8, 2);
    save(&flowers.join("val"), "rose", 200, 1);
    nas.write("flowers/train/rose/note.png", "some text");
    nas.write("flowers/train/rose/list.txt", "mine");
    // A copy of an image with another class.
    save(&flowers.join("train"), "rose", 5, 1);
    let ran = nas.run_line("data flowers");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!("flowers", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    insta::assert_snapshot!("flowers_csv", nas.run_line("data flowers --format csv").stdout);
    let json = nas.json("data flowers");
    assert_eq!(json["shape"], serde_json::json!([3, 8, 8]));
    assert_eq!(json["leaks"][0]["part"], "validation");
    assert_eq!((&json["contradictions"], &json["copies"]), (&1.into(), &1.into()));
}

#[test]
fn what_is_no_data_set_is_refused() {
    let nas = Nas::without_tables(PROGRAM);
    save(&nas.folder().join("one"), "daisy", 0, 3);
    for (arguments, expected) in [
        ("data nowhere", "cannot read nowhere"),
        ("data one", "one class, daisy"),
        ("data one --size 1", "expected 4 to 4096 pixels"),
        ("data one --holdout 0", "expected a share of more than 0"),
    ] {
        let ran = nas.run_line(arguments);
        assert_eq!(ran.code, 2, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn real_images_are_counted() {
    let Some(images) = images() else { return };
    let nas = Nas::without_tables(PROGRAM);
    let file = images.join("cifar10_test_2k.bin");
    let json = nas.json(&format!("data {}", file.display()));
    let classes = json["classes"].as_array().unwrap();
    let all: u64 = classes
        .iter()
        .map(|class| class["training"].as_u64().unwrap() + class["validation"].as_u64().unwrap())
        .sum();
    assert_eq!((classes.len(), all), (10, 2000));
    // Of the training images as published: 125.3, 123.0, 113.9.
    let means: Vec<f64> = serde_json::from_value(json["means"].clone()).unwrap();
    for (mean, published) in means.iter().zip([125.3, 123.0, 113.9]) {
        assert!((mean - published).abs() < 3.0, "{means:?}");
    }
}

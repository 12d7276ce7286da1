use std::path::Path;

use nas_hw::{Device, Metric};
use nas_space::nasbench201::{self, CELLS};

use super::{Row, Sheet, net};
use crate::Error;

/// Costs of all cells on one device, by benchmark index; `None` where the device cannot run a
/// cell. Milliseconds or millijoules.
pub(crate) struct Column {
    pub(crate) device: Device,
    pub(crate) metric: Metric,
    pub(crate) values: Vec<Option<f64>>,
}

/// Reads `hw_<dataset>.csv`: HW-NAS-Bench (Li et al. 2021, arXiv 2103.10584) in index order.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Column>, Error> {
    let mut columns: Vec<(String, Column)> = Vec::new();
    for metric in [Metric::Latency, Metric::Energy] {
        for device in Device::ALL.into_iter().filter(|device| device.has(metric)) {
            let values = Vec::with_capacity(CELLS);
            let name = format!("{device}_{}", metric.name());
            columns.push((name, Column { device, metric, values }));
        }
    }
    let names: Vec<&str> =
        std::iter::once("net").chain(columns.iter().map(|(name, _)| name.as_str())).collect();
    let sheet = Sheet::open(path, bytes, &names)?;
    sheet.rows(CELLS, |row| {
        let arch = net(row)?;
        if nasbench201::index(&arch) != row.position() {
            let expected = nasbench201::from_index(row.position())
                .map_or("no further line".to_owned(), |arch| nasbench201::op_tuple(&arch));
            return Err(row.wrong("net", &expected));
        }
        for (name, column) in &mut columns {
            column.values.push(cost(row, name, column.device)?);
        }
        Ok(())
    })?;
    Ok(columns.into_iter().map(|(_, column)| column).collect())
}

/// The Edge TPU cannot run every cell; the file then says −1.
fn cost(row: &Row<'_>, column: &str, device: Device) -> Result<Option<f64>, Error> {
    let value = row.number(column)?;
    if device == Device::EdgeTpu && value.to_bits() == (-1.0f64).to_bits() {
        Ok(None)
    } else if value > 0.0 {
        Ok(Some(value))
    } else if device == Device::EdgeTpu {
        Err(row.wrong(column, "a number above 0, or -1 for a cell that it cannot run"))
    } else {
        Err(row.wrong(column, "a number above 0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::fixture::{by_tuple, with_line};

    const HEADER: &str = "edgegpu_latency,edgegpu_energy,raspi4_latency,edgetpu_latency,\
        pixel3_latency,eyeriss_latency,eyeriss_energy,eyeriss_arithmetic_intensity,fpga_latency,\
        fpga_energy";

    fn file() -> String {
        by_tuple(HEADER, |index| {
            let edgetpu = if index % 2 == 0 { "-1.0" } else { "0.5" };
            format!("{}.5,2,3,{edgetpu},4,5,6,-7,8,9", index + 1)
        })
    }

    fn fault(text: &str) -> String {
        parse(Path::new("hw.csv"), text.as_bytes()).err().unwrap().to_string()
    }

    #[test]
    fn costs_are_read_by_device_and_minus_one_is_absent() {
        let columns = parse(Path::new("hw.csv"), file().as_bytes()).unwrap();
        let value = |device, metric, index: usize| {
            let column =
                columns.iter().find(|column| (column.device, column.metric) == (device, metric));
            column.unwrap().values[index]
        };
        assert_eq!(columns.len(), 9);
        assert_eq!(value(Device::EdgeGpu, Metric::Latency, 7), Some(8.5));
        assert_eq!(value(Device::EdgeTpu, Metric::Latency, 0), None);
        assert_eq!(value(Device::EdgeTpu, Metric::Latency, 1), Some(0.5));
        assert_eq!(value(Device::Fpga, Metric::Energy, 0), Some(9.0));
    }

    #[test]
    fn minus_one_elsewhere_and_lines_out_of_order_are_refused() {
        let text = file();
        let first = text.lines().nth(1).unwrap();
        let negative = with_line(&text, 2, &first.replace(",2,3,", ",-1,3,"));
        assert_eq!(
            fault(&negative),
            "hw.csv:2: column `edgegpu_energy`: `-1`, expected a number above 0"
        );
        let second = text.lines().nth(2).unwrap();
        assert_eq!(
            fault(&with_line(&text, 2, second)),
            "hw.csv:2: column `net`: `(2, 2, 0, 4, 2, 0)`, expected (4, 3, 3, 0, 0, 0)"
        );
        let unknown = with_line(&text, 2, &first.replace("(4,", "(7,"));
        assert!(fault(&unknown).contains("expected an operation tuple"), "{}", fault(&unknown));
        assert!(fault(&text.replace("fpga_energy", "fpga")).contains("`fpga_energy`"));
        let shorter = text.lines().take(CELLS).collect::<Vec<_>>().join("\n");
        assert_eq!(fault(&shorter), "hw.csv: 15624 rows, expected 15625");
    }
}

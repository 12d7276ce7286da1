//! Scores a network written with plain `tch::nn` modules: run it with or without a file of
//! CIFAR-10 records as its argument.

use nas_proxy::{Batch, Network, NetworkKind, Pass, ProxySet, Role, Selection, cifar10};
use tch::nn::{self, ModuleT};
use tch::{Device, TchError, Tensor};

/// Two convolutions with batch normalisation, pooling, and a linear classifier.
#[derive(Debug)]
struct SmallCnn {
    convolutions: [nn::Conv2D; 2],
    norms: [nn::BatchNorm; 2],
    classifier: nn::Linear,
}

impl SmallCnn {
    fn new(root: &nn::Path, width: i64) -> Self {
        let config = nn::ConvConfig { padding: 1, bias: false, ..Default::default() };
        let convolution = |name, inputs| nn::conv2d(root / name, inputs, width, 3, config);
        let norm = |name| {
            let config =
                nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
            nn::batch_norm2d(root / name, width, config)
        };
        Self {
            convolutions: [convolution("c1", 3), convolution("c2", width)],
            norms: [norm("n1"), norm("n2")],
            classifier: nn::linear(root / "classifier", width, 10, nn::LinearConfig::default()),
        }
    }
}

/// How it would be trained, independent of proxies.
impl ModuleT for SmallCnn {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let mut x = images.shallow_clone();
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            x = x.apply(convolution).apply_t(norm, train).relu();
            x = x.max_pool2d_default(2);
        }
        x.mean_dim([2, 3].as_slice(), false, None).apply(&self.classifier)
    }
}

/// How it is scored: the same layers, with ReLU and batch normalisation through the pass, which is
/// also shown what some proxies read.
impl Network for SmallCnn {
    fn parameters(&self) -> Vec<(Role, Tensor)> {
        let mut list = Vec::new();
        for convolution in &self.convolutions {
            list.push((Role::Weight, convolution.ws.shallow_clone()));
        }
        for norm in &self.norms {
            for parameter in [&norm.ws, &norm.bs].into_iter().flatten() {
                list.push((Role::Normalisation, parameter.shallow_clone()));
            }
        }
        list.push((Role::Weight, self.classifier.ws.shallow_clone()));
        if let Some(bias) = &self.classifier.bs {
            list.push((Role::Bias, bias.shallow_clone()));
        }
        list
    }

    fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
        let mut x = images.shallow_clone();
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            x = x.f_conv2d(&convolution.ws, None::<&Tensor>, 1, 1, 1, 1)?;
            pass.weighted(&convolution.ws, &x);
            x = pass.batch_norm(&x, norm.ws.as_ref(), norm.bs.as_ref(), 1e-5)?;
            x = pass.relu(&x)?.f_max_pool2d(2, 2, 0, 1, false)?;
            pass.block(&x);
        }
        pass.features(&x);
        let x = x.f_mean_dim([2, 3].as_slice(), false, None)?;
        let logits = x.f_linear(&self.classifier.ws, self.classifier.bs.as_ref())?;
        pass.weighted(&self.classifier.ws, &logits);
        Ok(logits)
    }

    fn kind(&self) -> Option<NetworkKind> {
        Some(NetworkKind::Convolutional)
    }
}

fn main() -> Result<(), nas_proxy::Error> {
    let batch = match std::env::args_os().nth(1) {
        Some(file) => cifar10(file, Selection::First(64))?,
        None => Batch::gaussian([64, 3, 32, 32], 0)?.with_random_labels(10, 0)?,
    };
    let mut proxies: ProxySet = "all".parse()?;
    let widths = [4, 16, 64];
    let mut columns = Vec::new();
    for width in widths {
        tch::manual_seed(0);
        let variables = nn::VarStore::new(Device::Cpu);
        let network = SmallCnn::new(&variables.root(), width);
        proxies = proxies.applicable_to(&network);
        columns.push(proxies.score(&network, &batch)?);
    }
    println!("{:16}{}", "width", widths.map(|width| format!("{width:>18}")).concat());
    for (row, proxy) in proxies.proxies().iter().enumerate() {
        let scores = columns.iter().map(|column| match column[row] {
            Some(score) => format!("{score:>18.6}"),
            None => format!("{:>18}", "none"),
        });
        println!("{:16}{}", proxy.name(), scores.collect::<String>());
    }
    Ok(())
}

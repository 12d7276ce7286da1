//! Replies in every form, from a server to the architectures that are used.

use nas_llm::{Budget, ChatModel, Fault, recall_best};
use nas_space::nasbench201::space;

use crate::server::{Response, Server};

const CELL: &str = r#"{"architecture":["nor_conv_3x3","none","skip_connect","none","none","nor_conv_1x1"],"rationale":"x"}"#;

/// How many of the architectures of a reply can be used, and the number of requests.
async fn usable(text: &str) -> (usize, Vec<Fault>, usize) {
    let server = Server::start([Response::chat(text)]).await;
    let endpoint = server.endpoint();
    let recalled = tokio::task::spawn_blocking(move || {
        let model = ChatModel::live(endpoint, Budget::default(), None).unwrap();
        recall_best(&model, space(), "cifar10", 3).unwrap().0
    });
    let recalled = recalled.await.unwrap();
    let usable = recalled.iter().filter(|one| one.is_ok()).count();
    (usable, recalled.into_iter().filter_map(Result::err).collect(), server.asked().len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn architectures_are_found_by_their_form_not_by_their_place() {
    let whole = format!(r#"{{"proposals":[{CELL},{CELL}]}}"#);
    for text in [
        whole.clone(),
        format!("{whole}\n\nThe skip connections follow ResNet [1]."),
        format!("{whole} References: [1] He et al., [2] Zagoruyko; {{\"year\": 2016}}"),
        format!("Following [1, 2]:\n```json\n{whole}\n```\n"),
        format!("<think>{{\"proposals\":[1]}}</think>{whole}"),
        format!(r#"{{"proposals":[{CELL},{CELL},{{"architecture":["none","no"#),
        format!(r#"{{"proposals":[{CELL},{CELL},]}}"#),
        format!("{CELL}\n{CELL}\n"),
    ] {
        assert_eq!(usable(&text).await, (2, Vec::new(), 1), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_without_architectures_says_what_it_contains() {
    assert_eq!(usable("I cannot.").await, (0, vec![Fault::NotJson], 1));
    assert_eq!(usable("As in [1].").await, (0, vec![Fault::Form], 1));
    assert_eq!(usable(r#"{"proposals":"none"}"#).await, (0, vec![Fault::Form], 1));
}

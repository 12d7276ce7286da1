//! Budgets of calls, tokens and money.

use futures_util::future::join_all;
use nas_llm::{Budget, Client, Error, Kind, Limit};

use crate::server::{Response, Server, request};

/// Two calls succeed, the third is refused.
async fn third_is_refused(budget: Budget, expected: Limit, words: &str) {
    let server = Server::start([Response::chat("yes")]).await;
    let client = Client::new(server.endpoint().prices(1e6, 2e6), budget).unwrap();
    for text in ["one", "two"] {
        assert_eq!(client.chat(&request(text)).await.unwrap().cost, Some(25.0));
    }
    let error = client.chat(&request("three")).await.unwrap_err();
    assert!(matches!(error, Error::BudgetSpent { which, .. } if which == expected), "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(server.asked().len(), 2);
    let usage = client.usage();
    assert_eq!((usage.calls, usage.failed, usage.cost), (2, 1, Some(50.0)));
    assert_eq!(usage.failures[&Kind::Budget], 1);
}

#[tokio::test]
async fn a_budget_of_calls() {
    let budget = Budget { calls: Some(2), ..Budget::default() };
    third_is_refused(budget, Limit::Calls, "2 of 2 calls").await;
}

#[tokio::test]
async fn a_budget_of_tokens() {
    // A call uses 11 and 7 tokens.
    let budget = Budget { tokens: Some(19), ..Budget::default() };
    third_is_refused(budget, Limit::Tokens, "36 of 19 tokens").await;
}

#[tokio::test]
async fn a_budget_of_money() {
    let budget = Budget { money: Some(25.5), ..Budget::default() };
    third_is_refused(budget, Limit::Money, "50 of 25.5 money").await;
}

#[tokio::test]
async fn concurrent_calls_never_exceed_a_budget_of_calls() {
    let server = Server::start([Response::chat("yes")]).await;
    let budget = Budget { calls: Some(5), ..Budget::default() };
    let client = Client::new(server.endpoint().parallel(8), budget).unwrap();
    let request = request("hello");
    let results = join_all((0..20).map(|_| client.chat(&request))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn a_budget_of_money_needs_prices() {
    let server = Server::start([Response::chat("yes")]).await;
    let budget = Budget { money: Some(1.0), ..Budget::default() };
    let error = Client::new(server.endpoint(), budget).unwrap_err();
    assert!(error.to_string().starts_with("prices is not set"), "{error}");
}

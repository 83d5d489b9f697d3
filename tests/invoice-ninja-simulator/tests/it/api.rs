use serde_json::json;

use crate::{json_of, set_up, status};

#[tokio::test]
async fn a_client_is_made_with_200_and_read_back() {
    let setup = set_up().await;
    let response = setup.create_client("Ann").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-api-version"));
    let id = json_of(response).await["data"]["id"].as_str().unwrap().to_owned();
    let read = json_of(setup.get(&format!("clients/{id}")).send().await.unwrap()).await;
    assert_eq!(read["data"]["name"], "Ann");
    let list = json_of(setup.get("clients?filter=Ann&sort=id%7Casc").send().await.unwrap()).await;
    assert_eq!(list["meta"]["pagination"]["total"], 1);
}

#[tokio::test]
async fn the_token_says_which_company_is_meant() {
    let setup = set_up().await;
    let ping = |token: &str| setup.get("ping").header("x-api-token", token);
    let mut request = ping("TOKEN").build().unwrap();
    request.headers_mut().insert("x-api-token", "EMPTY-TOKEN".parse().unwrap());
    let answer = json_of(setup.http.execute(request).await.unwrap()).await;
    assert_eq!(answer["company_name"], "Empty Company");
    let nobody = setup.http.get(setup.url("/api/v1/ping"));
    assert_eq!(status(nobody).await, 403);
}

#[tokio::test]
async fn without_its_headers_a_client_is_sent_elsewhere() {
    let setup = set_up().await;
    let request =
        setup.http.post(setup.url("/api/v1/invoices")).header("x-api-token", "TOKEN").json(&json!({}));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/");
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_not_read() {
    let setup = set_up().await;
    let mut request = setup.create_client("Unread").build().unwrap();
    request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    let answer = json_of(setup.http.execute(request).await.unwrap()).await;
    assert_eq!(answer["data"]["name"], "");
}

#[tokio::test]
async fn amounts_go_over_the_wire_as_numbers() {
    let setup = set_up().await;
    let text = setup.get("invoices?number=0001").send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#""amount":277.43"#) && text.contains(r#""balance":0,"#), "{text}");
}

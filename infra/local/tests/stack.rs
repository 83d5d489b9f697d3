//! The real template, checked and deployed to the local AWS.

/// What cfn-lint says about it is in the failure's text.
#[tokio::test]
async fn the_template_is_sound() {
    local::lint_template(&|_| ()).await.unwrap();
}

"""Training runs: processes that end in a challenger; the service never imports training."""

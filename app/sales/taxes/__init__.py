"""What is taxed how, where and when."""

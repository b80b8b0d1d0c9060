"""What `slackwater check` looks at, a group of questions a file. None of them changes anything, and each has an end."""

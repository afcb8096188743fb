"""All that concerns Prefect itself: servers, settings, tasks, artifacts, history."""

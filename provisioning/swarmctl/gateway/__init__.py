"""What stands in front of engines: model names to adapters and slots, in OpenAI's and Ollama's words."""

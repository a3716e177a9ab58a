"""The web chat: what is said in it stays here, where whoever chats reads it through the API. There is no provider to ask or call."""

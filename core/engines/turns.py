"""Chats as lists of turns, for templates and servers alike."""

Messages = list[dict[str, str]]


def system_in_user_turn(messages: Messages) -> Messages:
    """The messages with the system's text, then a blank line, at the beginning of the first user turn.

    >>> system_in_user_turn([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
    [{'role': 'user', 'content': 'Be brief.\\n\\nWhy?'}]
    """
    system, *others = messages
    if not others or others[0]["role"] != "user":
        return [{"role": "user", "content": system["content"]}, *others]
    first = {"role": "user", "content": f"{system['content']}\n\n{others[0]['content']}"}
    return [first, *others[1:]]

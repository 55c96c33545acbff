@rem "npm start" says exec, by which sh gives way to the node, so that Ctrl-C reaches the node and npm ends as it does.
@rem cmd.exe has no such word and finds this file in its place.
@%*

%% The counter in Erlang, driven as member-main.ts is: `ready`, then a number for each line `<tell | ask | idle | rest> <count>`.
-module(counter).
-export([main/0]).

main() ->
    One = spawn(fun() -> counter(0) end),
    io:format("ready~n"),
    listen(One).

listen(One) ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            [Operation, Count] = string:lexemes(Line, " \n"),
            io:format("~w~n", [run(Operation, list_to_integer(Count), One)]),
            listen(One)
    end.

run("tell", Count, One) -> tell(Count, One), ask(One);
run("ask", Count, One) -> asks(Count, One);
run("idle", Count, _) ->
    Made = [spawn(fun() -> counter(0) end) || _ <- lists:seq(1, Count)],
    [Pid ! {add, 1} || Pid <- Made],
    lists:sum([ask(Pid) || Pid <- Made]);
run("rest", _, _) -> erlang:garbage_collect(), 0.

counter(N) ->
    receive
        {add, By} -> counter(N + By);
        {get, From} -> From ! {n, N}, counter(N)
    end.

tell(0, _) -> ok;
tell(Count, One) -> One ! {add, 1}, tell(Count - 1, One).

asks(1, One) -> ask(One);
asks(Count, One) -> ask(One), asks(Count - 1, One).

ask(One) ->
    One ! {get, self()},
    receive {n, N} -> N end.

Feature: CloudEvents over HTTP

  What the HTTP protocol binding of CloudEvents 1.0.2 asks of a receiver, in words of our own and with batches, which the
  scenarios of the CloudEvents project leave out. Each runs against a function in a process of its own.

  Background:
    Given HTTP Protocol Binding is supported

  # HTTP §3.1: binary content mode
  Scenario Outline: binary mode, data of <type>
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      CE-SpecVersion: 1.0
      ce-type: com.example.someevent
      ce-id: A234-1234-1234
      ce-source: /cloudevents/spec/pull/123
      ce-subject: Euro%20%E2%82%AC%20%F0%9F%98%80
      ce-comexampleextension1: value
      Content-Type: <type>

      a line
      another line
      """
    When parsed as HTTP request
    Then the attributes are:
      | key                  | value                      |
      | specversion          | 1.0                        |
      | type                 | com.example.someevent      |
      | id                   | A234-1234-1234             |
      | source               | /cloudevents/spec/pull/123 |
      | subject              | Euro € 😀                  |
      | comexampleextension1 | value                      |
      | datacontenttype      | <type>                     |
    And the data is the text:
      """
      a line
      another line
      """
    Examples:
      | type                     |
      | text/plain               |
      | TEXT/plain;charset=utf-8 |
      | application/json         |

  # HTTP §3.1.2: no content type is no datacontenttype
  Scenario: binary mode without data
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      ce-specversion: 1.0
      ce-type: com.example.someevent
      ce-id: 1
      ce-source: /s

      """
    When parsed as HTTP request
    Then the attributes are:
      | key         | value                 |
      | specversion | 1.0                   |
      | type        | com.example.someevent |
      | id          | 1                     |
      | source      | /s                    |
    And the data has the bytes:
      """
      """

  # HTTP §3.2 and JSON §3: structured content mode
  Scenario Outline: structured mode as <type>
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      Content-Type: <type>

      {
        "specversion": "1.0", "type": "com.example.someevent", "id": "1", "source": "#part",
        "time": "2018-04-05T17:31:00.000000001Z", "count": -7, "flag": false, "subject": null,
        "data": {"n": 12345678901234567890, "list": [1.0, null]}
      }
      """
    When parsed as HTTP request
    Then the attributes are:
      | key             | value                          |
      | specversion     | 1.0                            |
      | type            | com.example.someevent          |
      | id              | 1                              |
      | source          | #part                          |
      | time            | 2018-04-05T17:31:00.000000001Z |
      | count           | -7                             |
      | flag            | false                          |
      | datacontenttype | application/json               |
    And the data is the text:
      """
      {"n": 12345678901234567890, "list": [1.0, null]}
      """
    Examples:
      | type                                          |
      | application/cloudevents+json                  |
      | Application/CloudEvents+JSON; charset="UTF-8" |

  # JSON §3.1.1
  Scenario: structured mode with bytes
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      Content-Type: application/cloudevents+json

      {"specversion":"1.0","type":"com.example.someevent","id":"1","source":"/s","data_base64":"AP/+gA=="}
      """
    When parsed as HTTP request
    Then the data has the bytes:
      """
      00fffe80
      """

  # HTTP §3.3 and JSON §4: batched content mode
  Scenario: a batch of three, in any order
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      Content-Type: application/cloudevents-batch+json; charset=utf-8

      [
        {"specversion":"1.0","type":"com.example.someevent","id":"1","source":"/s","data":"x"},
        {"specversion":"1.0","type":"com.example.other","id":"2","source":"/s","data_base64":"AA=="},
        {"specversion":"1.0","type":"com.example.someevent","id":"3","source":"/s","time":"2018-04-05T17:31:00+01:00"}
      ]
      """
    When parsed as HTTP request
    Then the answer is 200 and its results are:
      | status | code |
      | 204    |      |
      | 204    |      |
      | 204    |      |
    And these events are taken:
      | id | type                  | time                      | datacontenttype  |
      | 1  | com.example.someevent |                           | application/json |
      | 2  | com.example.other     |                           |                  |
      | 3  | com.example.someevent | 2018-04-05T17:31:00+01:00 |                  |

  Scenario: a batch of none
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      Content-Type: application/cloudevents-batch+json

      []
      """
    When parsed as HTTP request
    Then the answer is 200 and its results are:
      | status | code |
    And nothing is taken

  Scenario: a batch with one bad event
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      Content-Type: application/cloudevents-batch+json

      [
        {"specversion":"1.0","type":"com.example.someevent","id":"1","source":"/s"},
        {"specversion":"0.3","type":"com.example.someevent","id":"2","source":"/s"},
        {"specversion":"1.0","type":"com.example.someevent","id":"3","source":"/s"}
      ]
      """
    When parsed as HTTP request
    Then the answer is 400 and its results are:
      | status | code              |
      | 204    |                   |
      | 400    | CLV_EVENT_INVALID |
      | 204    |                   |
    And these events are taken:
      | id |
      | 1  |
      | 3  |

  Scenario Outline: refused: <why>
    Given an HTTP request
      """
      POST / HTTP/1.1
      Host: example.com
      ce-specversion: <version>
      ce-type: com.example.someevent
      ce-id: 1
      ce-source: /s
      ce-time: <time>
      Content-Type: <type>

      data
      """
    When parsed as HTTP request
    Then it is refused:
      | status   | code   | field   |
      | <status> | <code> | <field> |
    And nothing is taken
    Examples:
      | why               | version | time                 | type                     | status | code                       | field           |
      | the version       | 0.3     | 2018-04-05T17:31:00Z | text/plain               | 400    | CLV_EVENT_INVALID          | specversion     |
      | the time          | 1.0     | lunchtime            | text/plain               | 400    | CLV_EVENT_INVALID          | time            |
      | the content type  | 1.0     | 2018-04-05T17:31:00Z | nonsense                 | 400    | CLV_EVENT_INVALID          | datacontenttype |
      | the event format  | 1.0     | 2018-04-05T17:31:00Z | application/cloudevents+avro | 415 | CLV_UNSUPPORTED_MEDIA_TYPE | content-type    |
      | a text, not JSON  | 1.0     | 2018-04-05T17:31:00Z | application/cloudevents+json | 400 | CLV_EVENT_INVALID          | body            |
